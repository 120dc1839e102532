import { main } from '#libs/runtime';
import { loadConfig } from '#libs/service';
import { startStandalone } from './standalone.js';

await main(async (fail) => {
  const running = await startStandalone(loadConfig(), fail);
  const { service, tokenFile } = running;
  process.stdout.write(
    [
      '',
      `Plinth is ready.`,
      `  HTTP    ${service.http.url}   (API description: ${service.http.url}/openapi.json)`,
      ...('grpc' in service && service.grpc
        ? [
            `  gRPC    ${(service.grpc as { host: string; port: number }).host}:${(service.grpc as { port: number }).port}`,
          ]
        : []),
      `  token   ${tokenFile}   (send it as: Authorization: Bearer …)`,
      '',
    ].join('\n'),
  );
  return running;
});
