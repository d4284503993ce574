// Takes uploads and forgets them, for measuring: prints its address, then runs until it is ended.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

const server = createServer((request, response) => {
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
  });
  request.on("end", () => {
    const { searchParams } = new URL(request.url ?? "/", "http://sink");
    const asset = { id: 1, name: searchParams.get("name"), size: bytes, state: "uploaded", digest: null };
    response.writeHead(201, { "content-type": "application/json" }).end(JSON.stringify(asset));
  });
});
server.listen(0, "127.0.0.1", () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`);
});
