/** The sets of test data of the OCI conformance suite (main, with dev). */
import {
  type Content,
  contentOf,
  descriptorOf,
  makeBlob,
  makeIndex,
  makeManifest,
  type ManifestContent,
} from "./content.ts";

const OCI = "application/vnd.oci.image.manifest.v1+json";
const EMPTY_JSON = "application/vnd.oci.empty.v1+json";
const EXAMPLE = "application/vnd.example.oci.conformance.v1+json";
const EXAMPLE_2 = "application/vnd.example.oci.conformance.v2";

export interface Referrer {
  readonly manifest: ManifestContent;
  readonly artifactType: string | undefined;
  readonly annotations?: Record<string, string>;
}

/** One of the suite's sets of test data. */
export class DataSet {
  readonly blobs: Content[] = [];
  /** Children before the indexes that name them. */
  readonly manifests: ManifestContent[] = [];
  readonly tags = new Map<string, ManifestContent>();
  readonly referrers = new Map<ManifestContent | Content, Referrer[]>();
  algorithm: "sha256" | "sha512" = "sha256";
  tagParameters = false;

  blob(content: Content = makeBlob(2048, this.algorithm)): Content {
    this.blobs.push(content);
    return content;
  }

  image(more: Record<string, unknown> = {}, layers = 2): ManifestContent {
    const bases = Array.from({ length: layers }, () => this.blob());
    return this.#add(makeManifest(this.blob(), bases, more, this.algorithm));
  }

  artifact(artifactType: string, more: Record<string, unknown> = {}): ManifestContent {
    const empty = this.blob(contentOf("{}", this.algorithm));
    const layers = [descriptorOf(this.blob(), artifactType)];
    return this.#add(
      makeManifest(
        empty,
        [],
        { artifactType, config: descriptorOf(empty, EMPTY_JSON), layers, ...more },
        this.algorithm,
      ),
    );
  }

  index(children: readonly ManifestContent[], more: Record<string, unknown> = {}): ManifestContent {
    return this.#add(makeIndex(children, more, this.algorithm));
  }

  tag(name: string, manifest: ManifestContent): void {
    this.tags.set(name, manifest);
  }

  refer(subject: ManifestContent | Content, referrer: Referrer): void {
    this.referrers.set(subject, [...this.referrers.get(subject) ?? [], referrer]);
  }

  #add(manifest: ManifestContent): ManifestContent {
    this.manifests.push(manifest);
    return manifest;
  }
}

export const DATA_SETS: Record<string, (data: DataSet) => void> = {
  "image": (data) => data.tag("image", data.image()),
  "large-manifest": (data) => {
    const entries = Array.from({ length: 390 }, (_, i) => [`large-annotation-${i}`, "A".repeat(10000)]);
    data.tag("large-manifest", data.image({ annotations: Object.fromEntries(entries) }));
  },
  "index": (data) => data.tag("index", data.index([data.image(), data.image()])),
  "nested-index": (data) => {
    const inner = [data.index([data.image(), data.image()]), data.index([data.image(), data.image()])];
    data.tag("index-of-index", data.index(inner));
  },
  "empty-index": (data) => data.tag("index", data.index([])),
  "artifact": (data) => data.tag("artifact", data.artifact(EXAMPLE)),
  "artifact-index": (data) => {
    const children = [data.artifact(EXAMPLE), data.artifact(EXAMPLE)];
    data.tag("artifact-index", data.index(children, { artifactType: EXAMPLE }));
  },
  "artifact-without-layers": (data) => {
    const empty = data.blob(contentOf("{}"));
    const descriptor = descriptorOf(empty, EMPTY_JSON);
    data.tag("artifact-without-layers", data.artifact(EXAMPLE, { config: descriptor, layers: [descriptor] }));
  },
  "artifacts-with-subject": (data) => {
    const subject = data.image();
    data.tag("image", subject);
    const about = { subject: descriptorOf(subject, OCI) };
    data.refer(subject, {
      manifest: data.image(about),
      artifactType: "application/vnd.oci.image.config.v1+json",
    });
    for (const [i, artifactType] of [EXAMPLE, EXAMPLE_2].entries()) {
      const annotations = { "org.opencontainers.conformance": "hello conformance test", "unique": `${i}` };
      const manifest = data.artifact(artifactType, { annotations, ...about });
      data.refer(subject, { manifest, artifactType, annotations });
      data.tag(`tagged-artifact${i + 1}`, manifest);
    }
  },
  "index-with-subject": (data) => {
    const subject = data.index([data.image(), data.image()]);
    data.tag("index", subject);
    const manifest = data.index([data.artifact(EXAMPLE)], {
      artifactType: EXAMPLE,
      annotations: { "org.opencontainers.conformance": "hello conformance test" },
      subject: descriptorOf(subject, subject.mediaType),
    });
    data.tag("tagged-artifact", manifest);
    data.refer(subject, { manifest, artifactType: EXAMPLE });
  },
  "missing-subject": (data) => {
    const subject = { ...contentOf("missing content"), bytes: new Uint8Array(123) };
    const manifest = data.artifact(EXAMPLE, { subject: descriptorOf(subject, OCI) });
    data.tag("tagged-artifact", manifest);
    data.refer(subject, { manifest, artifactType: EXAMPLE });
  },
  "data-field": (data) => {
    const config = data.blob(contentOf("{}"));
    const inline = { ...descriptorOf(config, EMPTY_JSON), data: "e30=" };
    data.tag("data-field", data.image({ config: inline }));
  },
  "non-distributable-layers": (data) => {
    const layer = data.blob();
    const elsewhere = ["nondistributable.v1.tar+gzip", "nondistributable.v1.tar"].map((suffix) => ({
      ...descriptorOf(makeBlob(), `application/vnd.oci.image.layer.${suffix}`),
      size: 123456,
      urls: ["https://store.example.com/blobs/x"],
    }));
    const layers = [...elsewhere, descriptorOf(layer, "application/vnd.oci.image.layer.v1.tar+gzip")];
    data.tag("non-distributable-layers", data.image({ layers }));
  },
  "custom-fields": (data) => {
    const extra = { "org.opencontainers.conformance.custom": { nested: ["x", 1, null] } };
    data.tag("custom-fields", data.index([data.image(extra), data.image(extra)], extra));
  },
  "no-layers": (data) => data.tag("no-layers", data.image({}, 0)),
  "sha512": (data) => {
    data.algorithm = "sha512";
    data.index([data.image(), data.image()]);
  },
  "tag-param-sha256": tagEverything,
  "tag-param-sha512": (data) => {
    data.algorithm = "sha512";
    tagEverything(data);
  },
  "sparse": (data) => {
    const present = data.image();
    data.tag("sparse-index", data.index([present, makeManifest(makeBlob())]));
    data.tag("sparse-image", data.image());
    data.blobs.pop();
    data.blobs.pop();
  },
};

function tagEverything(data: DataSet): void {
  const index = data.index([data.image(), data.image()]);
  data.tag("top", index);
  for (const [i, manifest] of data.manifests.entries()) data.tag(`all-${i}`, manifest);
  data.tagParameters = true;
}
