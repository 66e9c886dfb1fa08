// What `firebase deploy` would say to this project before it asks the network, by firebase-tools' own modules.
//
//   node firebase_tools.cjs <firebase-tools> pack <project folder>
//   node firebase_tools.cjs <firebase-tools> judge <project folder> <manifest> <project id>
//
// The last line on standard output is one JSON object. `pack` writes the archive that would be uploaded; `judge` turns the
// functions' manifest into what would be deployed. What firebase-tools refuses is under `problems`, by the part it concerns.
"use strict";
const fs = require("fs");
const path = require("path");

const [tools, action, folder, manifest, projectId] = process.argv.slice(2);
const load = (name) => require(path.join(tools, "lib", name));

/** Everything firebase-tools has to say about an error, in one line. */
function told(error) {
  const children = (error.children || []).map((child) => child.message);
  return [error.message, ...children].join("; ").replace(/\s+/g, " ").trim();
}

/** Run one part; what it refuses becomes its problem. */
async function part(result, name, work) {
  result.problems[name] ||= [];
  try {
    return await work();
  } catch (error) {
    result.problems[name].push(told(error));
    return undefined;
  }
}

function readConfig() {
  return JSON.parse(fs.readFileSync(path.join(folder, "firebase.json"), "utf8"));
}

/** The one codebase, as firebase-tools fills in what firebase.json leaves out. */
function codebaseOf(config) {
  const [codebase] = load("functions/projectConfig.js").normalizeAndValidate(config.functions);
  return codebase;
}

async function pack(result) {
  const config = readConfig();
  await part(result, "configuration", async () => {
    const { getValidator, getErrorMessage } = load("firebaseConfigValidate.js");
    const validate = await getValidator();
    if (!validate(config)) result.problems.configuration.push(...validate.errors.map(getErrorMessage));
    load("deploy/functions/runtimes/supported/index.js").guardVersionSupport(codebaseOf(config).runtime);
    result.runtime = codebaseOf(config).runtime;
  });
  await part(result, "upload", async () => {
    const { prepareFunctionsUpload } = load("deploy/functions/prepareFunctionsUpload.js");
    const codebase = codebaseOf(config);
    const source = path.join(folder, codebase.source);
    const packed = await prepareFunctionsUpload(folder, source, { ...codebase }, [], undefined);
    result.archive = packed.pathToSource;
  });
  await part(result, "indexes", async () => {
    const { FirestoreApi } = load("firestore/api.js");
    const spec = JSON.parse(fs.readFileSync(path.join(folder, config.firestore.indexes), "utf8"));
    new FirestoreApi().validateSpec(spec);
    result.overrides = (spec.fieldOverrides || []).length;
  });
}

async function judge(result) {
  const codebase = codebaseOf(readConfig());
  const backends = load("deploy/functions/backend.js");
  const build = await part(result, "manifest", () => {
    const { yamlToBuild } = load("deploy/functions/runtimes/discovery/index.js");
    const text = fs.readFileSync(manifest, "utf8");
    return yamlToBuild(require(path.join(tools, "..", "yaml")).parse(text), projectId, "us-central1", codebase.runtime);
  });
  if (build === undefined) return;
  result.apis = build.requiredAPIs.map((each) => each.api);
  const resolved = await part(result, "parameters", () => {
    const source = path.join(folder, codebase.source);
    const userEnvs = load("functions/env.js").loadUserEnvs({
      functionsSource: source, projectId, projectDir: folder, isEmulator: false,
    });
    const firebaseConfig = { projectId, storageBucket: "", databaseURL: "" };
    // `isEmulator` keeps it from asking the network whether the secrets exist.
    return load("deploy/functions/build.js").resolveBackend({
      build, firebaseConfig, userEnvs, nonInteractive: true, isEmulator: true, codebase: codebase.codebase,
    });
  });
  if (resolved === undefined) return;
  await part(result, "options", () => {
    const prepare = load("deploy/functions/prepare.js");
    prepare.resolveCpuAndConcurrency(resolved.backend);
    prepare.resolveDefaultTimeout(resolved.backend);
    load("deploy/functions/validate.js").endpointsAreValid(resolved.backend, backends.empty());
  });
  result.parameters = Object.keys(resolved.envs).filter((name) => (build.params || []).some((each) => each.name === name));
  result.endpoints = backends.allEndpoints(resolved.backend).map((each) => ({
    id: each.id,
    entryPoint: each.entryPoint,
    trigger: Object.keys(each).find((key) => key.endsWith("Trigger")),
    region: each.region,
    cpu: each.cpu,
    concurrency: each.concurrency,
    memory: each.availableMemoryMb,
    maxInstances: each.maxInstances,
    timeoutSeconds: each.timeoutSeconds,
    secrets: (each.secretEnvironmentVariables || []).map((secret) => secret.key),
  }));
}

async function main() {
  const result = { problems: {} };
  await (action === "pack" ? pack(result) : judge(result));
  console.log("\n" + JSON.stringify(result));
}

main().catch((error) => {
  console.error(told(error));
  process.exit(1);
});
