/** Entry point of the container: starts the service that the first argument names, or runs the command line. */
const services = ['watcher', 'graph', 'scheduler', 'builder'];
const [name] = process.argv.slice(2);

if (services.includes(name)) {
  await import(`../dist/apps/${name}/src/main.js`);
} else if (name === 'plinth') {
  process.argv.splice(2, 1);
  await import('../dist/apps/cli/src/main.js');
} else {
  const what = name === undefined ? 'No service is named' : `${JSON.stringify(name)} is no service`;
  process.stderr.write(`${what}. Expected as first argument: ${services.join(', ')}, or plinth and a command.\n`);
  process.exitCode = 2;
}
