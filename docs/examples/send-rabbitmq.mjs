// Publishes access requests to Provisor's intake exchange in RabbitMQ, and ends when the broker has them for good.
//
//   npm install amqplib
//   node send-rabbitmq.mjs request.json [more.json …]
//
// BROKER_URL    default amqp://guest:guest@127.0.0.1:5672/
// QUEUE_PREFIX  what Provisor's setting broker.prefix says; default none

import { readFile } from "node:fs/promises";
import amqp from "amqplib";

const exchange = `${process.env.QUEUE_PREFIX ?? ""}provisor.intake`;
const files = process.argv.slice(2);
if (files.length === 0) {
  console.error("usage: node send-rabbitmq.mjs request.json [more.json …]");
  process.exit(2);
}

const url = process.env.BROKER_URL ?? "amqp://guest:guest@127.0.0.1:5672/";
const user = decodeURIComponent(new URL(url).username);
const connection = await amqp.connect(url);
const channel = await connection.createConfirmChannel();
for (const each of [connection, channel]) {
  each.on("error", (error) => {
    console.error(`not handed in: ${error.message}`);
    process.exit(1);
  });
}

// Nothing is declared here: Provisor declares the exchange and its queue when it starts, and the permission to write to
// this exchange is all that a producer needs. RabbitMQ closes the channel of whoever publishes to an exchange that is not there.
// A confirm alone is no proof of arrival: RabbitMQ also confirms what it could not route. Hence "mandatory".
const returned = [];
channel.on("return", (message) => returned.push(message.properties.messageId));

for (const file of files) {
  channel.publish(exchange, "", await readFile(file), {
    persistent: true,
    mandatory: true,
    contentType: "application/json",
    messageId: file,
    // Tells Provisor's policy who asks. RabbitMQ refuses any name but that of the user who is connected.
    userId: user || undefined,
  });
}
await channel.waitForConfirms();
await connection.close();

if (returned.length > 0) {
  console.error(`not delivered: ${returned.join(", ")}; is Provisor's queue still bound to ${exchange}?`);
  process.exit(1);
}
console.log(`${files.length} handed in`);
