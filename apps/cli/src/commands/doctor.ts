import { exitCodes } from '#libs/contracts/light';
import { command } from '../command.js';
import { clientChecks } from '../doctor/client-checks.js';
import { serverChecks } from '../doctor/server-checks.js';
import { statusColour } from '../output/colour.js';
import { plural } from '../output/words.js';

export default command({
  async run(session) {
    const { printer } = session;
    const checks = [...(await clientChecks(session)), ...(await serverChecks(session))];
    const findings = checks.flatMap(({ check, findings: found }) => found.map((one) => ({ check, ...one })));
    if (printer.format !== 'table' && printer.format !== 'wide') {
      await printer.show({ item: { checks, findings }, name: String(findings.length), fields: [] });
    } else {
      await printer.list({
        items: checks,
        columns: [
          { title: 'check', value: ({ check }) => check },
          {
            title: 'result',
            value: ({ findings: found }) =>
              found.length === 0 ? 'ok' : found.some(({ severity }) => severity === 'Problem') ? 'problem' : 'warning',
            paint: statusColour,
          },
          { title: 'looked at', value: ({ looked }) => looked },
        ],
        name: ({ check }) => check,
        empty: '',
      });
      for (const { severity, text, next } of findings) printer.lines(['', `${severity}: ${text}`, `  Next: ${next}`]);
    }
    printer.note(findings.length === 0 ? 'Nothing is wrong.' : `${plural(findings.length, 'finding')}.`);
    return findings.length === 0 ? exitCodes.ok : exitCodes.findings;
  },
});
