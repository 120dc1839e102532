/** Whether the service in this container is ready, for HEALTHCHECK: exit code 0 or 1, and what is missing. */
const port = process.env.PLINTH_HTTP_PORT || '7460';
const host = ['', '0.0.0.0', '::'].includes(process.env.PLINTH_HOST ?? '') ? '127.0.0.1' : process.env.PLINTH_HOST;

try {
  const response = await fetch(`http://${host}:${port}/health/ready`, { signal: AbortSignal.timeout(4_000) });
  process.stdout.write(await response.text());
  process.exitCode = response.ok ? 0 : 1;
} catch (error) {
  process.stdout.write(`${host}:${port} does not answer: ${error.cause?.message ?? error.message}\n`);
  process.exitCode = 1;
}
