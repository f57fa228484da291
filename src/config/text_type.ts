/** The kinds of texts that keys take: words, names, secrets, addresses of the web, rules. */
import type { Platform } from "../core/index_platforms.ts";
import { parsePlatform } from "../core/platform_selection.ts";
import { parseRemoteRepositoryName, type RemoteRepositoryName } from "../core/remote_repository_name.ts";
import { isRepositoryName, type RepositoryName } from "../core/repository_name.ts";
import { parseTagSelector, type TagSelector } from "../core/tag_selector.ts";
import { type DailyWindow, parseDailyWindow } from "../core/daily_window.ts";
import type { StringNode } from "./document.ts";
import { type Network, parseNetwork } from "./parse_network.ts";
import { parseHttpUrl } from "./parse_http_url.ts";
import type { ValueType } from "./value_type.ts";

/** One of a few words. */
export function choice<T extends string>(...words: readonly T[]): ValueType<T> {
  return {
    expected: words.map((word) => `"${word}"`).join(" or "),
    parse: (node) => words.find((word) => node.kind === "string" && node.value === word),
  };
}

/** Of the machine's local time. */
export const DAILY_WINDOW: ValueType<DailyWindow> = {
  expected: 'a stretch of the day such as "01:00-05:00" or "22:00-02:00"',
  parse: (node) => node.kind === "string" ? parseDailyWindow(node.value) : undefined,
};

/** A text that may be empty; what it must name is checked later. */
export const NAME: ValueType<string> = {
  expected: "a name",
  parse: (node) => node.kind === "string" ? node.value : undefined,
};

/** RFC 7617 section 2: a colon would end it early, and control characters are not allowed. */
export const USERNAME: ValueType<string> = {
  expected: 'a user name of 1 to 256 characters without ":" and control characters',
  parse: (node) => {
    // deno-lint-ignore no-control-regex -- these are the characters that are refused
    return node.kind === "string" && /^[^:\x00-\x1f\x7f-\x9f]{1,256}$/u.test(node.value)
      ? node.value
      : undefined;
  },
};

/** Any text that is not empty and that no message may show. */
export const SECRET: ValueType<string> = {
  expected: "a text that is not empty",
  parse: (node) => node.kind === "string" && node.value !== "" ? node.value : undefined,
  secret: true,
};

/** Kept from messages, since a URL may hold a password. The value is normalised. */
export const WEBHOOK_URL: ValueType<string> = {
  expected:
    'a URL such as "https://policy.example.com/check", without user name and password, which go into basic_auth',
  parse: (node) => node.kind === "string" ? parseHttpUrl(node.value)?.href : undefined,
  secret: true,
};

/** As {@linkcode WEBHOOK_URL}, and without a query. The value has no slash at its end. */
export const UPSTREAM_URL: ValueType<string> = {
  expected:
    'a URL such as "https://registry-1.docker.io", without query, user name and password, which go into keys of their own',
  parse: (node) => {
    const url = node.kind === "string" ? parseHttpUrl(node.value) : undefined;
    return url?.search === "" ? url.href.replace(/\/+$/, "") : undefined;
  },
  secret: true,
};

/** As {@linkcode UPSTREAM_URL}. */
export const COLLECTOR_URL: ValueType<string> = {
  expected: 'a URL such as "http://127.0.0.1:4318", without query, user name and password',
  parse: UPSTREAM_URL.parse,
  secret: true,
};

/** `host` or `host:port`, in lower case. */
export const HOST: ValueType<string> = {
  expected: 'a host name, with a port where it needs one, such as "docker.io" or "registry.example.com:5000"',
  parse: (node) => {
    return node.kind === "string" && /^(\[[0-9a-f:.]+\]|[a-z0-9._-]+)(:[0-9]{1,5})?$/i.test(node.value) &&
        node.value.length <= 255
      ? node.value.toLowerCase()
      : undefined;
  },
};

/** A repository of another registry. */
export const REMOTE_REPOSITORY: ValueType<RemoteRepositoryName> = {
  expected:
    'a repository with its registry such as "docker.io/library/alpine" or "registry.example.com:5000/app", without tag',
  parse: (node) => node.kind === "string" ? parseRemoteRepositoryName(node.value) : undefined,
};

/** A repository here. */
export const REPOSITORY_NAME: ValueType<RepositoryName> = {
  expected: 'the name of a repository such as "dockerhub/library/alpine"',
  parse: (node) => node.kind === "string" && isRepositoryName(node.value) ? node.value : undefined,
};

export const TAG_SELECTOR: ValueType<TagSelector> = {
  expected: 'a tag, a pattern such as "3.*", or a range of versions such as ">=3.18 <4"',
  parse: (node) => node.kind === "string" ? parseTagSelector(node.value) : undefined,
};

export const PLATFORM: ValueType<Platform> = {
  expected: 'a platform such as "linux/amd64" or "linux/arm/v7"',
  parse: (node) => node.kind === "string" ? parsePlatform(node.value) : undefined,
};

/** Where clients ask for tokens: they append a query of their own. */
export const REALM: ValueType<string> = {
  expected: 'a URL such as "https://registry.example.com/token", with a path that ends in "/token"',
  parse: (node) => {
    const url = node.kind === "string" ? parseHttpUrl(node.value) : undefined;
    return url?.pathname.endsWith("/token") && url.search === "" ? url.href : undefined;
  },
};

/** RFC 9110 section 5.6.2, in lower case. */
export const HEADER_NAME: ValueType<string> = {
  expected: 'the name of a header, such as "x-request-id"',
  parse: (node) => {
    return node.kind === "string" && /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}$/.test(node.value)
      ? node.value.toLowerCase()
      : undefined;
  },
};

/** Where clients come to: scheme and host, with a port where it needs one. The value has no slash at its end. */
export const ORIGIN: ValueType<string> = {
  expected:
    'a URL such as "https://registry.example.com" or "https://registry.example.com:5000", without a path',
  parse: (node) => {
    const url = node.kind === "string" ? parseHttpUrl(node.value) : undefined;
    return url?.pathname === "/" && url.search === "" ? url.origin : undefined;
  },
};

/** Permissions of a file, in octal as chmod takes them. */
export const FILE_MODE: ValueType<number> = {
  expected: 'permissions in octal such as "0660"',
  parse: (node) => {
    return node.kind === "string" && /^0?[0-7]{3}$/.test(node.value) ? parseInt(node.value, 8) : undefined;
  },
};

/** An IP address or a network. */
export const NETWORK: ValueType<Network> = {
  expected: 'an IP address or a network such as "10.0.0.1", "10.0.0.0/8" or "fd00::/8"',
  parse: (node) => node.kind === "string" ? parseNetwork(node.value) : undefined,
};

/** A network of proxies; the address "unix" stands for whoever comes by a unix socket. */
export const PROXY: ValueType<Network> = {
  expected: `${NETWORK.expected}, or "unix" for those that come by a unix socket`,
  parse: (node) => {
    return node.kind === "string" && node.value === "unix"
      ? { address: node.value, prefixLength: 0 }
      : NETWORK.parse(node);
  },
};

/** The string itself, with its place: what it matches is checked later. */
export const TAG_PATTERN: ValueType<StringNode> = {
  expected: "a pattern in quotation marks",
  parse: (node) => node.kind === "string" ? node : undefined,
};

/** The string itself, with its place: what it says is for the policy to judge. */
export const RULE: ValueType<StringNode> = {
  expected: "a CEL rule in quotation marks",
  parse: (node) => node.kind === "string" ? node : undefined,
};
