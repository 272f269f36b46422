// Puts access requests on Provisor's intake queue in RabbitMQ, and ends when the broker has them for good.
//
//   npm install amqplib
//   node send-rabbitmq.mjs request.json [more.json …]
//
// BROKER_URL    default amqp://guest:guest@127.0.0.1:5672/
// QUEUE_PREFIX  what Provisor's setting broker.prefix says; default none

import { readFile } from "node:fs/promises";
import amqp from "amqplib";

const queue = `${process.env.QUEUE_PREFIX ?? ""}access.requests`;
const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: node send-rabbitmq.mjs request.json [more.json …]");
  process.exit(2);
}

const connection = await amqp.connect(process.env.BROKER_URL ?? "amqp://guest:guest@127.0.0.1:5672/");
const channel = await connection.createConfirmChannel();
for (const each of [connection, channel]) {
  each.on("error", (error) => {
    console.error(`not handed in: ${error.message}`);
    process.exit(1);
  });
}

// Look whether the queue is there, and do not declare it: it is a quorum queue with arguments of its own, and RabbitMQ
// closes the channel of whoever declares it with others (406 PRECONDITION_FAILED). Provisor declares it when it starts.
await channel.checkQueue(queue);

// A confirm alone is no proof of arrival: RabbitMQ also confirms what it could not route. Hence "mandatory".
const returned = [];
channel.on("return", (message) => returned.push(message.properties.messageId));

for (const file of files) {
  channel.publish("", queue, await readFile(file), {
    persistent: true,
    mandatory: true,
    contentType: "application/json",
    messageId: file,
  });
}
await channel.waitForConfirms();
await connection.close();

if (returned.length > 0) {
  console.error(`not delivered: ${returned.join(", ")}; is Provisor's queue ${queue} still there?`);
  process.exit(1);
}
console.log(`${files.length} handed in`);
