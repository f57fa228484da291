/** Which versions of Deno the program runs on. */
import assert from "node:assert/strict";
import { faultOfRuntime } from "../../src/server/check_runtime.ts";

Deno.test("faultOfRuntime() takes 2.8.3 and what is newer", () => {
  for (
    const version of ["2.8.3", "2.8.10", "2.9.0", "2.9.8", "3.0.0", "10.0.0", "2.9.8+abc123", "2.10.0-rc.1"]
  ) {
    assert.equal(faultOfRuntime(version), undefined, version);
  }
});

Deno.test("faultOfRuntime() refuses older versions and what is no version, in words", () => {
  for (const version of ["2.8.2", "2.7.14", "1.46.3", "0.0.0", "2.8", "", "x.y.z"]) {
    assert.match(
      faultOfRuntime(version)!,
      /^Cannot run on Deno .*: its TLS does not verify clients\. Use 2\.8\.3 or later$/,
      version,
    );
  }
});
