// The same by OpenAI's library for JavaScript (npm install openai):
//
//	node embed.mjs http://127.0.0.1:3003 "an old lighthouse"
//
// Prints a line of JSON for each text.
import OpenAI from "openai";

const [server, ...input] = process.argv.slice(2);
const client = new OpenAI({ baseURL: server + "/v1", apiKey: "none" });
const answer = await client.embeddings.create({ model: "clip", input });
for (const { embedding } of answer.data) console.log(JSON.stringify(embedding));
