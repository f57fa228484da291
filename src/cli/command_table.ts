/** Every command with its arguments and options: what help, the reading of options and shell completion are made of. */
import { ACTIONS } from "../policy/access_vocabulary.ts";
import { CLIENT_NAMES } from "./commands/client_config.ts";

export interface OptionEntry {
  /** Without dashes. */
  readonly name: string;
  /** What stands for its value in help, such as FILE; absent for a switch. */
  readonly value?: string;
  /** All values that there are, where somebody can know them. */
  readonly choices?: readonly string[];
  /** True where it may be given several times. */
  readonly isRepeatable?: true;
  readonly about: string;
}

export interface ArgumentEntry {
  /** As help writes it, such as REPOSITORY. */
  readonly name: string;
  readonly choices?: readonly string[];
}

export interface CommandEntry {
  /** One word or two. */
  readonly name: string;
  /** Another name of it, from elsewhere. */
  readonly alias?: string;
  /** One line for the overview. */
  readonly about: string;
  readonly arguments?: readonly ArgumentEntry[];
  readonly options?: readonly OptionEntry[];
  /** More lines for its own help, such as what its exit codes mean. */
  readonly notes?: readonly string[];
  /** True where no configuration is read. */
  readonly alone?: true;
}

const JSON_OPTION: OptionEntry = { name: "json", about: "print it for programs" };

const DRY_RUN: OptionEntry = { name: "dry-run", about: "only say what would go" };

const SHELLS = ["bash", "zsh", "fish"] as const;

const TAG_ARGUMENTS: readonly ArgumentEntry[] = [{ name: "REPOSITORY" }, { name: "TAG" }];

/** In the order of the overview. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: "server", about: "serve the registry until SIGTERM" },
  {
    name: "config check",
    about: 'check the configuration and print "ok", or every problem with file and line',
  },
  {
    name: "config convert",
    about: "turn the configuration of the original (Simple-Registry, angos) into one of this program",
    alone: true,
    arguments: [{ name: "FILE" }],
    notes: [
      "The result goes to standard output, with a comment above each change; what to look at to standard error.",
      "Exit code 1 where something is lost, or where the result cannot be used as it is.",
    ],
  },
  {
    name: "doctor",
    about:
      "look at everything that a registry stands on; a line for each: ok, warning or problem, and what to do",
    options: [JSON_OPTION],
    notes: [
      "It looks at configuration, certificates, clock, disk, database, port and webhooks, beside a running server too.",
      "Exit codes: 0 without problems, 1 with some, 2 where the configuration cannot be used.",
    ],
  },
  { name: "status", about: "ask the running server that owns the data directory", options: [JSON_OPTION] },
  {
    name: "policy test",
    about: "say what the access policies answer to a caller, which rule decided, and what it saw",
    options: [
      { name: "cert", value: "FILE", about: "who asks: the holder of this certificate" },
      {
        name: "user",
        value: "NAME",
        about: "who asks: this user of [auth.identity]; may stand beside --cert",
      },
      { name: "anonymous", about: "who asks: nobody that is known" },
      { name: "ip", value: "ADDRESS", about: "from where, instead of 127.0.0.1" },
      { name: "action", value: "NAME", choices: [...ACTIONS], about: "one operation, as rules name it" },
      { name: "repository", value: "NAME", about: "of that operation" },
      { name: "reference", value: "TAG", about: "of that operation: a tag or digest" },
      { name: "tags", value: "TAG,...", about: "of that operation: tags that a push moves on the side" },
      { name: "digest", value: "DIGEST", about: "of that operation: a blob" },
      { name: "from", value: "NAME", about: "of that operation: the repository that a blob is mounted from" },
      { name: "session-id", value: "ID", about: "of that operation: an upload session" },
      {
        name: "as-if-request",
        value: "'docker push NAME:TAG'",
        about: "instead of one operation: each request of a push or pull",
      },
      JSON_OPTION,
    ],
    notes: ["Exit codes: 0 allows, 1 denies, 2 wrong usage or configuration."],
  },
  {
    name: "client-config",
    about: "print the files and commands that make a client show its certificate",
    alone: true,
    options: [
      { name: "host", value: "HOST:PORT", about: "the registry, as in the names of images" },
      { name: "for", value: "CLIENT", choices: CLIENT_NAMES, about: CLIENT_NAMES.join(", ") },
      { name: "ca", value: "FILE", about: "the CA of the registry's certificate" },
      { name: "cert", value: "FILE", about: "the client's certificate" },
      { name: "key", value: "FILE", about: "the key of that certificate" },
      { name: "check", about: "try the connection and say what is wrong" },
    ],
  },
  {
    name: "scrub",
    about: "read everything again and say what is missing, damaged or nobody's",
    options: [
      { name: "repair", about: "put damaged and stray files into quarantine" },
      { name: "rate", value: "50MiB", about: "read no more than this a second; 0 for no limit" },
      { name: "restart", about: "begin anew where another one was stopped" },
      JSON_OPTION,
    ],
    notes: ["Exit codes: 0 where nothing is wrong, 1 where something was found."],
  },
  {
    name: "collect",
    about: "remove what nothing leads to any more",
    options: [
      DRY_RUN,
      { name: "grace", value: "20m", about: "what was not used for this long, instead of collect.grace" },
      JSON_OPTION,
    ],
    notes: ["It removes orphaned referrers, unused blobs, empty repositories and stray files."],
  },
  {
    name: "retention",
    about: "remove the tags and manifests that no retention rule keeps",
    options: [
      DRY_RUN,
      { name: "max-removals-percent", value: "N", about: "let more go than the configuration does" },
      JSON_OPTION,
    ],
    notes: ["Exit code 1 where more would go than that, and nothing went."],
  },
  {
    name: "sync",
    about:
      "copy content of other registries: all that [[mirror]] in the configuration says, or what options say",
    options: [
      {
        name: "from",
        value: "HOST/NAME:TAG",
        about: "one copy: the repository there, with a tag or @DIGEST",
      },
      { name: "to", value: "REPOSITORY", about: "of that copy; without --from the configured ones to it" },
      {
        name: "tags",
        value: "'3.*,>=3.18 <4'",
        about: "of that copy: tags by name, pattern or range of versions",
      },
      {
        name: "platform",
        value: "OS/ARCH,...",
        about: "of that copy: only these of images for several platforms",
      },
      { name: "no-referrers", about: "of that copy: without signatures and the like" },
      { name: "dry-run", about: "only say what would come" },
      JSON_OPTION,
    ],
    notes: ["Exit codes: 0 where everything came, 1 where something did not."],
  },
  {
    name: "tags history",
    about: "say what a tag named, and when",
    arguments: TAG_ARGUMENTS,
    options: [JSON_OPTION],
  },
  {
    name: "tags restore",
    about: "let a tag name again what it named before",
    arguments: TAG_ARGUMENTS,
    options: [{ name: "to", value: "DIGEST", about: "one that `tags history` shows" }, JSON_OPTION],
  },
  {
    name: "delete",
    about: "delete many tags",
    arguments: [{ name: "REPOSITORY" }],
    options: [
      { name: "tags", value: "'PATTERN'", about: "which; * stands for any text, ? for a character" },
      { name: "older-than", value: "30d", about: "only those pushed longer ago" },
      DRY_RUN,
      JSON_OPTION,
    ],
  },
  {
    name: "export",
    about: "write content into one file that import takes over elsewhere (--bundle), or all of it (--backup)",
    arguments: [{ name: "REPOSITORY[:TAG|@DIGEST]..." }],
    options: [
      {
        name: "bundle",
        value: "FILE",
        about: "the file, an OCI image layout in a tar archive; - writes to standard output",
      },
      {
        name: "since",
        value: "FILE",
        isRepeatable: true,
        about: "leave out the blobs of an earlier bundle; repeat it",
      },
      { name: "sign-key", value: "FILE", about: "sign it (ed25519, PEM)" },
      { name: "force", about: "replace the file" },
      {
        name: "backup",
        value: "DIRECTORY",
        about: "a new or empty folder: make it a data directory to start on, while the server runs",
      },
      { name: "previous", value: "DIRECTORY", about: "share what an earlier backup has already" },
      { name: "copy", about: "copy files into the backup although they could be shared by links" },
      JSON_OPTION,
    ],
    notes: [
      "What is named goes into a bundle with all architectures and signatures; * and ? in the names stand for others.",
      "Exit code 1 also where the registry itself lacks something that belongs in.",
    ],
  },
  {
    name: "import",
    about: "take over a bundle, an OCI image layout, or the data directory of another registry",
    arguments: [{ name: "[FILE]" }],
    options: [
      {
        name: "from-distribution",
        value: "DIRECTORY",
        about: "instead of FILE: the data directory of a distribution registry (registry:2, registry:3)",
      },
      {
        name: "from-layout",
        value: "DIRECTORY",
        about: "an OCI image layout, or a tree with one for each repository, as zot keeps it",
      },
      {
        name: "from-simple-registry",
        value: "DIRECTORY",
        about: "the data directory of the original (Simple-Registry, angos)",
      },
      { name: "verify-key", value: "FILE", about: "only if it is signed by this key (ed25519, PEM)" },
      { name: "to", value: "PREFIX", about: "put this before the names of its repositories" },
      {
        name: "repository",
        value: "NAME",
        about: "the repository of all that comes, whatever the archive says",
      },
      { name: "dry-run", about: "only say what would come" },
      JSON_OPTION,
    ],
    notes: [
      "FILE is a bundle, or another OCI image layout in a tar archive; - is standard input.",
      "What came stays, and what is here already is not brought again: an import that was stopped is begun again.",
      "Exit code 1 where something could not come.",
    ],
  },
  {
    name: "hash-password",
    alias: "argon",
    about: "read a password, from the terminal or a pipe, and print its hash for [auth.identity.<id>]",
    alone: true,
    notes: ["The original's name for it, argon, works too."],
  },
  {
    name: "systemd-unit",
    about: "print a unit for systemd that fits the configuration, with the steps to install it",
    options: [
      { name: "socket", about: "the unit of a socket on which systemd listens for it" },
      { name: "listener", value: "NAME", about: "which [server.listener] that is, where there are several" },
    ],
  },
  {
    name: "completion",
    about: "print what makes a shell complete the words of this program",
    alone: true,
    arguments: [{ name: "SHELL", choices: SHELLS }],
    notes: [
      "bash: simple-registry completion bash > /etc/bash_completion.d/simple-registry",
      "zsh:  simple-registry completion zsh > /usr/local/share/zsh/site-functions/_simple-registry",
      "fish: simple-registry completion fish > /etc/fish/vendor_completions.d/simple-registry.fish",
    ],
  },
  { name: "version", about: "print the versions of this program, Deno and SQLite", alone: true },
  {
    name: "help",
    about: "print this text, or the options of a command",
    alone: true,
    arguments: [{ name: "[COMMAND]" }],
  },
];

/** The command of this name or alias. */
export function findCommand(words: readonly string[]): CommandEntry | undefined {
  const name = words.join(" ");
  return COMMANDS.find((command) => command.name === name || command.alias === name);
}

/** The commands whose first word this is, where it alone is no command. */
export function commandsBelow(word: string): readonly CommandEntry[] {
  return COMMANDS.filter(({ name }) => name.startsWith(`${word} `));
}
