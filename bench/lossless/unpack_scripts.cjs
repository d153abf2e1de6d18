// SPDX-License-Identifier: Apache-2.0
// Files of a TensorFlow.js model that ships as scripts: model.min.js, and shards as base64, to files beside them.
//   node unpack_scripts.cjs FOLDER
const fs = require("fs");
const path = require("path");

const folder = path.resolve(process.argv[2]);
const model = require(path.join(folder, "model.min.js"));
for (const group of model.weightsManifest)
  for (const name of group.paths) {
    const base = path.basename(name);
    const shard = fs.readdirSync(folder).find((file) => file === `${base}.min.js`);
    if (!shard) throw new Error(`${folder} has no ${base}.min.js`);
    fs.writeFileSync(path.join(folder, base), Buffer.from(require(path.join(folder, shard)), "base64"));
  }
fs.writeFileSync(path.join(folder, "model.json"), JSON.stringify(model));
