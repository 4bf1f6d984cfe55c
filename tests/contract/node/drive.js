// Drives Mailtrap's Node SDK, unchanged: one call for each line of JSON on stdin, its end as a line of JSON on stdout.
//
// The SDK knows one host, and the paths that name the account. So an interceptor of its own HTTP client gives each
// request the simulator's address, and where that is asked for the plain form of its path. Everything else is the SDK's.
"use strict";

const readline = require("node:readline");
const { MailtrapClient } = require("mailtrap");

const CALLS = {
  accounts: (api) => api.accounts.getAllAccounts(),
  list: (api) => api.apiTokens.getList(),
  get: (api, id) => api.apiTokens.get(id),
  create: (api, params) => api.apiTokens.create(params),
  reset: (api, id, params) => api.apiTokens.reset(id, params),
  delete: (api, id) => api.apiTokens.delete(id),
};

async function ended({ url, form, account, credential, name, args }) {
  const client = new MailtrapClient({ token: credential, accountId: account });
  client.axios.interceptors.request.use((request) => {
    const { pathname } = new URL(request.url);
    const path = form === "plain" ? pathname.replace(/^\/api\/accounts\/\d+\//, "/api/") : pathname;
    return { ...request, url: url + path };
  });
  try {
    return { value: await CALLS[name](client.general, ...args) };
  } catch (error) {
    return { status: error.cause?.response?.status ?? null, message: error.message };
  } finally {
    client.axios.defaults.httpsAgent.destroy();
  }
}

async function main() {
  for await (const line of readline.createInterface({ input: process.stdin })) {
    process.stdout.write(JSON.stringify(await ended(JSON.parse(line))) + "\n");
  }
}

main();
