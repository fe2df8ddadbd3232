// A typed client in TypeScript, from openapi.json alone: creates a service, shows it, and reads a refusal.
//
//     node create_service.ts URL TOKEN

import createClient from "openapi-fetch";
import type { components, paths } from "./generated/api.ts";

declare const process: { argv: string[] };

const [url, token] = process.argv.slice(2);
const api = createClient<paths>({ baseUrl: `${url}/v1/ecs`, headers: { "X-Auth-Token": token } });

const body: components["schemas"]["CreateOrchestrationInput"] = {
  cluster: { clusterName: "typescript" },
  taskDefinition: {
    family: "typescript",
    cpu: "256",
    memory: "512",
    containerDefinitions: [{ name: "web", image: "nginx:alpine", ports: [80] }],
  },
  service: { serviceName: "typescript", desiredCount: 1 },
};

const created = await api.POST("/{account}/services", { params: { path: { account: "nonprod" } }, body });
if (created.error) {
  throw new Error(`${created.error.status} ${created.error.detail}`);
}
// A dry run (`dryRun=true`) answers with its steps instead.
if (!("Service" in created.data)) {
  throw new Error(`a service was expected: ${JSON.stringify(created.data)}`);
}
const arn: string | undefined = created.data.Service.ServiceArn;

const path = { account: "nonprod", cluster: "typescript" };
const listed = await api.GET("/{account}/clusters/{cluster}/services", { params: { path, query: { limit: 10 } } });
if (!JSON.stringify(listed.data).includes(String(arn))) {
  throw new Error(`${arn} is not in ${JSON.stringify(listed.data)}`);
}

const missing = await api.GET("/{account}/clusters/{cluster}", {
  params: { path: { account: "nonprod", cluster: "missing" } },
});
if (missing.response.status !== 404 || missing.error?.code !== "NotFound") {
  throw new Error(`a problem was expected: ${JSON.stringify(missing.error)}`);
}
console.log(arn);
