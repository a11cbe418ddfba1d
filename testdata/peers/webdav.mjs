// Drives the npm package webdav: uploads, deep listings, locks, copies and moves.
// It prints what it learnt as JSON.
//
//   node webdav.mjs PACKAGE_FOLDER URL USER PASSWORD
const [packageFolder, url, username, password] = process.argv.slice(2);
const { createClient } = await import(packageFolder + "/dist/node/index.js");
const client = createClient(url, { username, password });

const learnt = {};
await client.createDirectory("/npm/deep/er", { recursive: true });
const bytes = Buffer.alloc(300000, "npm ");
learnt.made = await client.putFileContents("/npm/größe & 100%.bin", bytes);
learnt.overwritten = await client.putFileContents("/npm/größe & 100%.bin", "x", { overwrite: false });
learnt.same = bytes.equals(await client.getFileContents("/npm/größe & 100%.bin"));
learnt.missing = await client.exists("/npm/none");

const lock = await client.lock("/npm/größe & 100%.bin", { timeout: "Infinite, Second-4100000000" });
learnt.timeout = lock.serverTimeout;
learnt.refused = await client.putFileContents("/npm/größe & 100%.bin", "x").catch((e) => e.status);
await client.unlock("/npm/größe & 100%.bin", lock.token);

await client.copyFile("/npm/größe & 100%.bin", "/npm/deep/er/copy #1.bin");
await client.moveFile("/npm/größe & 100%.bin", "/npm/moved.bin");
await client.copyFile("/npm/deep", "/npm/deep2");
await client.deleteFile("/npm/deep");
const listing = await client.getDirectoryContents("/npm", { deep: true });
learnt.listing = listing.map((e) => `${e.filename} ${e.type} ${e.size}`).sort();
// RFC 4331, section 3: not among all properties, which is what getQuota asks for by itself.
const data = '<propfind xmlns="DAV:"><prop><quota-available-bytes/><quota-used-bytes/></prop></propfind>';
learnt.quota = (await client.getQuota({ data })).available;

const part = [];
for await (const chunk of client.createReadStream("/npm/moved.bin", { range: { start: 4, end: 11 } })) part.push(chunk);
learnt.part = Buffer.concat(part).toString();
console.log(JSON.stringify(learnt, null, 1));
