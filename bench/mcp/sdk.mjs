// The SDK of the peers (tests/peers/mcp), so that all sides of a measurement are of the same version.
import { createRequire } from "node:module";

const require = createRequire(new URL("../../tests/peers/mcp/package.json", import.meta.url));

export const { Client } = require("@modelcontextprotocol/sdk/client/index.js");
export const { StreamableHTTPClientTransport } = require("@modelcontextprotocol/sdk/client/streamableHttp.js");
export const { StreamableHTTPServerTransport } = require("@modelcontextprotocol/sdk/server/streamableHttp.js");
export const { isInitializeRequest, isJSONRPCRequest } = require("@modelcontextprotocol/sdk/types.js");
