/** Boots the machine's own systemd as the first process of a container without anything else, and runs commands in it. */
import { isAbsolute } from "node:path";
import { placeProgram } from "./placed_program.ts";
import { captureCommand, type CommandOptions, type CommandResult, runCommand } from "./run_command.ts";
import { ServerProcess } from "./server_process.ts";

/** Long, for a slow machine that does other things as well: a boot takes two seconds where nothing else runs. */
const BOOT_MS = 90_000;

/** Units that need a machine, a seat or a bus. systemd-sysctl would change the machine that the test runs on. */
const MASKED = [
  ...[
    "systemd-sysctl.service",
    "systemd-remount-fs.service",
    "systemd-udevd.service",
    "systemd-logind.service",
  ],
  ...["systemd-modules-load.service", "systemd-random-seed.service", "systemd-resolved.service"],
  ...[
    "dbus.service",
    "dbus.socket",
    "systemd-journald-audit.socket",
    "getty.target",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
  ],
];

/**
 * Everything of the container is in memory and in namespaces, and goes with its first process: only /usr is the machine's,
 * and cannot be written to. Its cgroup is below a new one, or it would rule over the processes of the machine. $1 is the
 * folder for the root, $2 the name of the cgroup, $3 the directory that holds the program ($4 and what follows: its words).
 */
const OUTER = `
set -e
umask 022
mount -t tmpfs -o mode=755 tmpfs "$1"
mkdir "$1/cgroup"
mount -t cgroup2 cgroup2 "$1/cgroup"
mkdir "$1/cgroup/$2"
echo $$ > "$1/cgroup/$2/cgroup.procs"
umount "$1/cgroup"
rmdir "$1/cgroup"
exec unshare --mount --cgroup --pid --net --uts --ipc --fork --kill-child sh -c "$INNER" sh "$@"
`;

const INNER = `
set -e
cd "$1"
mkdir -p usr etc/systemd/system proc sys dev run tmp root home var/lib var/log opt/program
chmod 1777 tmp
for name in bin sbin lib lib32 lib64; do
  if [ -L /$name ]; then cp -P /$name .; elif [ -d /$name ]; then mkdir $name; mount --rbind /$name $name; fi
done
mount --rbind /usr usr
mount -o remount,bind,ro usr
mount -t tmpfs -o mode=755 tmpfs usr/local
mkdir -p usr/local/bin
mount --bind "$3" opt/program
mount -o remount,bind,ro opt/program
touch usr/local/bin/simple-registry
mount --bind opt/program/simple-registry usr/local/bin/simple-registry
mount -t proc -o nosuid,nodev,noexec proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro sysfs sys
mount -t tmpfs tmpfs sys/fs/cgroup
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755,nosuid tmpfs dev
for name in null zero full random urandom tty; do touch dev/$name; mount --bind /dev/$name dev/$name; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run
echo root:x:0:0:root:/root:/bin/sh > etc/passwd
echo nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin >> etc/passwd
printf 'root:x:0:\\nnogroup:x:65534:\\n' > etc/group
echo '127.0.0.1 localhost' > etc/hosts
echo 0123456789abcdef0123456789abcdef > etc/machine-id
cp /etc/ld.so.cache etc/
for unit in ${MASKED.join(" ")}; do ln -s /dev/null etc/systemd/system/$unit; done
mkdir old
pivot_root . old
cd /
umount -l old
rmdir old
# Credentials are mounted by a process of their own, for the others to see. On a machine systemd does this by itself.
mount --make-rshared /
exec env -i container=test PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin \\
  /usr/lib/systemd/systemd --system --unit=multi-user.target --log-target=journal
`;

/** What a test needs for it. */
export const SYSTEMD_NEEDS = {
  programs: ["systemd", "systemctl", "systemd-analyze", "journalctl", "unshare", "nsenter", "curl"],
  root: true,
};

export class PrivateSystemd implements AsyncDisposable {
  /** What the units of the container say, and systemd of them, from the boot on. */
  readonly journal: ServerProcess;
  /** Its files, seen from here. */
  readonly root: string;
  readonly #outer: ServerProcess;
  readonly #pid: number;
  readonly #cgroup: string;
  readonly #directory: string;

  private constructor(outer: ServerProcess, pid: number, cgroup: string, directory: string) {
    this.#outer = outer;
    this.#pid = pid;
    this.#cgroup = cgroup;
    this.#directory = directory;
    this.root = `/proc/${pid}/root`;
    const follow = ["journalctl", "--follow", "--lines=all", "--output=cat"];
    this.journal = new ServerProcess("The journal", "nsenter", { args: [...this.#enter(), ...follow] });
  }

  /** Boots it, with the program under test in /usr/local/bin and a network that has nobody but itself. */
  static async boot(): Promise<PrivateSystemd> {
    const directory = await Deno.makeTempDir({ prefix: "systemd-" });
    const cgroup = `simple-registry-test-${crypto.randomUUID()}`;
    await Deno.mkdir(`${directory}/root`);
    await placeProgram(`${directory}/program`);
    const outer = new ServerProcess("systemd", "unshare", {
      args: [
        ...["--mount", "--propagation", "private", "sh", "-c", OUTER, "sh"],
        ...[`${directory}/root`, cgroup, `${directory}/program`],
      ],
      env: { INNER },
    });
    try {
      const pid = await firstProcess(outer);
      await booted(outer, pid);
      return new PrivateSystemd(outer, pid, cgroup, directory);
    } catch (error) {
      outer.kill("SIGKILL");
      await outer.ended();
      await removeTraces(cgroup, directory);
      throw new Error(`Cannot boot systemd: ${error}\n${outer.logLines.join("\n")}`);
    }
  }

  /** Runs a script in the container, in a folder of it; throws unless it exits 0. */
  async run(script: string, { folder = "/root", ...options }: CommandOptions & { folder?: string } = {}) {
    return await runCommand(this.#shell(script, folder), options);
  }

  /** As {@linkcode run}, whatever its exit code is. */
  async try(script: string): Promise<CommandResult> {
    return await captureCommand(this.#shell(script, "/root"));
  }

  /** A script in the container that goes on. */
  start(name: string, script: string): ServerProcess {
    const [program = "", ...args] = this.#shell(script, "/root");
    return new ServerProcess(name, program, { args });
  }

  /** A property of a unit, as `systemctl show` has it. */
  async property(name: string, unit = "simple-registry.service"): Promise<string> {
    return (await this.run(`systemctl show --value --property=${name} ${unit}`)).stdout.trim();
  }

  /** Writes a file of the container. */
  async write(path: string, content: string | Uint8Array, mode = 0o644): Promise<void> {
    if (!isAbsolute(path)) throw new TypeError(`Cannot write ${path} in the container: the path is relative`);
    await Deno.writeFile(
      this.root + path,
      typeof content === "string" ? new TextEncoder().encode(content) : content,
      { mode },
    );
  }

  /** Waits until the journal has a line like that behind a place, and gives the place behind that line. */
  async says(pattern: RegExp, place = 0): Promise<number> {
    let index = 0;
    return await this.journal.waitForLine(
      `a line like ${pattern}`,
      (line) => index++ >= place && pattern.test(line) ? index : undefined,
      BOOT_MS,
    );
  }

  #enter(): string[] {
    return [
      `--target=${this.#pid}`,
      "--all",
      "--",
      "env",
      "-i",
      "PATH=/usr/local/bin:/usr/sbin:/usr/bin",
      "HOME=/root",
    ];
  }

  #shell(script: string, folder: string): string[] {
    return ["nsenter", ...this.#enter(), "sh", "-e", "-c", `umask 022\ncd ${folder}\n${script}`];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Its processes end with it, before whoever waits for it does.
    Deno.kill(this.#pid, "SIGKILL");
    await this.#outer.ended();
    await this.journal.ended();
    await removeTraces(this.#cgroup, this.#directory);
  }
}

/** The process that is the first one of its namespace, seen from here. Before it there are those that prepare the place. */
async function firstProcess({ pid }: ServerProcess): Promise<number> {
  return await poll(async () => {
    const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
    const child = children.split(" ")[0];
    const status = await Deno.readTextFile(`/proc/${child}/status`).catch(() => "");
    return /^NSpid:\s+\d+\s+1$/m.test(status) ? Number(child) : undefined;
  }, "its first process");
}

/** Waits until systemd has started everything that it shall, whether that went well or not. */
async function booted(outer: ServerProcess, pid: number): Promise<void> {
  let ended = false;
  void outer.ended().then(() => ended = true);
  await poll(async () => {
    if (ended) throw new Error("it ended");
    const asked = ["nsenter", `--target=${pid}`, "--all", "systemctl", "is-system-running", "--wait"];
    const { stdout } = await captureCommand(asked, { timeoutMs: BOOT_MS });
    return ["running", "degraded"].includes(stdout.trim()) || undefined;
  }, "the end of its boot");
}

async function poll<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (const end = Date.now() + BOOT_MS; Date.now() < end;) {
    const found = await look();
    if (found !== undefined) return found;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`waited in vain for ${what}`);
}

async function removeTraces(cgroup: string, directory: string): Promise<void> {
  const remove =
    'mount -t cgroup2 cgroup2 "$1" && ! [ -d "$1/$2" ] || find "$1/$2" -depth -type d -exec rmdir {} +';
  await runCommand(["unshare", "--mount", "sh", "-c", remove, "sh", `${directory}/root`, cgroup]);
  await Deno.remove(directory, { recursive: true });
}
