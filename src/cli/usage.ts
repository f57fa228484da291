/** The usage text, and the command line that it describes. */

export const USAGE = `Usage: simple-registry [-c FILE]... COMMAND

A container registry in one program.

Commands:
  server          serve the registry until SIGTERM
  config check    check the configuration and print "ok", or every problem with file and line
  doctor          look at configuration, certificates, clock, disk, database, port and webhooks; a line for each: ok,
                  warning or problem, and what to do (--json for programs)
                  exit code 0 without problems, 1 with some, 2 where the configuration cannot be used
  status          ask the running server that owns the data directory
  policy test     say what the access policies answer to a caller, which rule decided, and what it saw:
                    --cert FILE | --user NAME | --anonymous   who asks (--ip ADDRESS from where)
                    --action NAME --repository NAME ...       one operation
                    --as-if-request 'docker push NAME:TAG'    each request of a push or pull
                  exit code 0 allows, 1 denies
  client-config   print the files and commands that make a client show its certificate:
                    --host HOST:PORT --for CLIENT
                      docker, podman, containerd, containerd-1, skopeo, crane, oras, regctl, buildkit, helm or curl
                    --ca FILE --cert FILE --key FILE          your files
                    --check                                   try the connection and say what is wrong
  retention       remove the tags and manifests that no retention rule keeps:
                    --dry-run                                 only say what would go (--json for programs)
                    --max-removals-percent N                  let more go than the configuration does
                  exit code 1 where more would go than that, and nothing went
  scrub           read everything again and say what is missing, damaged or nobody's:
                    --repair                                  put damaged and stray files into quarantine
                    --rate 50MiB                              read no more than this a second; 0 for no limit
                    --restart                                 begin anew where another one was stopped
                    --json                                    the report for programs
                  exit code 0 where nothing is wrong, 1 else
  tags            tags history REPOSITORY TAG                 what it named, and when
                  tags restore REPOSITORY TAG --to DIGEST     let it name again what it named before
  delete          delete REPOSITORY --tags 'PATTERN'          delete tags; * stands for any text, ? for a character
                    --older-than 30d                          only those pushed longer ago
                    --dry-run                                 only say which
  collect         remove what nothing leads to any more: orphaned referrers, unused blobs, empty repositories, strays:
                    --dry-run                                 only say what would go (--json for programs)
                    --grace 20m                               what was not used for this long, instead of collect.grace
  export          write content into one file that import takes over elsewhere, an OCI image layout in a tar archive:
                    --bundle FILE REPOSITORY[:TAG|@DIGEST]... what goes in, with all architectures and signatures;
                                                              * and ? in the names; - writes to standard output
                    --since FILE                              leave out the blobs of an earlier bundle; repeat it
                    --sign-key FILE                           sign it (ed25519, PEM)
                    --force                                   replace the file
                    --json                                    the report for programs
                  exit code 1 where the registry itself lacks something that belongs in
  hash-password   read a password, from the terminal or a pipe, and print its hash for [auth.identity.<id>]
                  (the original's name for it, argon, works too)
  systemd-unit    print a unit for systemd that fits the configuration, with the steps to install it
  version         print the versions of this program, Deno and SQLite
  help            print this text

Options:
  -c, --config FILE   configuration file (TOML); repeat it to lay files over each other, the last wins.
                      Without it: ./config.toml if there is one, else the built-in configuration,
                      which serves 127.0.0.1:8000 from ./data to everybody on this machine.

Environment:
  SIMPLE_REGISTRY_LOG   debug, info (default), warn or error; info,auth=debug shows each certificate check

                        (where it is not set, RUST_LOG in the form of the original is understood)

Signals: SIGTERM and SIGINT end the server in order, a second one at once; SIGHUP makes it read its configuration,
certificates, CAs and revocation lists again.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.
`;

export interface CommandLine {
  readonly configFiles: readonly string[];
  /** The words of the command, such as ["config", "check"]. */
  readonly words: readonly string[];
  /** What follows a command that has options of its own. */
  readonly options: readonly string[];
}

/** Commands with options of their own. */
const WITH_OPTIONS = [
  "policy test",
  "client-config",
  "collect",
  "retention",
  "scrub",
  "tags",
  "delete",
  "doctor",
  "export",
];

export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** @throws {UsageError} for options that do not exist or lack their value */
export function parseCommandLine(args: readonly string[]): CommandLine {
  const configFiles: string[] = [];
  const words: string[] = [];
  const options: string[] = [];
  for (let i = 0; i < args.length; i++) {
    const arg = args[i]!;
    if (arg === "-c" || arg === "--config") {
      const file = args[++i];
      if (file === undefined || file === "") throw new UsageError(`${arg} needs a file`);
      configFiles.push(file);
    } else if (arg.startsWith("--config=")) {
      const file = arg.slice("--config=".length);
      if (file === "") throw new UsageError("--config needs a file");
      configFiles.push(file);
    } else if (arg === "-h" || arg === "--help") {
      words.unshift("help");
    } else if (arg === "-V" || arg === "--version") {
      words.unshift("version");
    } else if (WITH_OPTIONS.includes(words.join(" "))) {
      options.push(arg);
    } else if (arg.startsWith("-")) {
      throw new UsageError(`unknown option ${arg}`);
    } else {
      words.push(arg);
    }
  }
  return { configFiles, words, options };
}
