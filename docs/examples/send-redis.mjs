// Puts access requests on Provisor's intake list in Redis, with nothing but a socket: what any language can do.
//
//   node send-redis.mjs request.json [more.json …]
//
// REDIS_HOST, REDIS_PORT, REDIS_DB, REDIS_PASSWORD   default 127.0.0.1, 6379, 0, none
// QUEUE_PREFIX                                       what Provisor's setting broker.prefix says; default none

import { readFile } from "node:fs/promises";
import { createConnection } from "node:net";

const { REDIS_HOST = "127.0.0.1", REDIS_PORT = "6379", REDIS_DB = "0", REDIS_PASSWORD, QUEUE_PREFIX = "" } = process.env;
const queue = `${QUEUE_PREFIX}provisor.intake.requests`;

// A command as Redis takes it: an array of strings, each with its length in bytes.
function command(...parts) {
  return parts.reduce((text, part) => `${text}$${Buffer.byteLength(part)}\r\n${part}\r\n`, `*${parts.length}\r\n`);
}

const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: node send-redis.mjs request.json [more.json …]");
  process.exit(2);
}
const requests = await Promise.all(files.map((file) => readFile(file, "utf8")));
const commands = [
  ...(REDIS_PASSWORD ? [command("AUTH", REDIS_PASSWORD)] : []),
  command("SELECT", REDIS_DB),
  command("LPUSH", queue, ...requests),
];

const socket = createConnection({ host: REDIS_HOST, port: Number(REDIS_PORT) });
socket.write(commands.join(""));
let answers = "";
for await (const chunk of socket) {
  answers += chunk;
  if (answers.split("\r\n").length > commands.length || answers.includes("-")) break;
}
socket.destroy();
if (!/:\d+\r\n$/.test(answers)) {
  console.error(`Redis did not take them: ${answers.trim()}`);
  process.exit(1);
}
console.log(`${files.length} handed in`);
