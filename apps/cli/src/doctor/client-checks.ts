import type { Session } from '../session.js';
import { isReadByOthers } from '../settings/contexts.js';
import { adminTokenFile, contextsFile } from '../settings/files.js';
import type { Checked } from './checked.js';

/** What this machine's own files tell. */
export const clientChecks = async ({ io, connection }: Session): Promise<Checked[]> => {
  const exposed = async (file: string, what: string) =>
    (await isReadByOthers(file))
      ? [
          {
            code: 'FILE_EXPOSED',
            severity: 'Problem' as const,
            text: `Others can read ${what} ${file}.`,
            next: `chmod 600 ${file}`,
          },
        ]
      : [];
  const { server, token } = await connection();
  const isPlain = server.startsWith('http:') && !/^http:\/\/(127\.|localhost[:/]?|\[::1\])/.test(server);
  return [
    {
      check: 'cli files',
      looked: 'who can read the contexts and the first token',
      findings: [
        ...(await exposed(contextsFile(io.env), 'the contexts, which hold tokens,')),
        ...(await exposed(adminTokenFile(io.env), 'the first admin token')),
      ],
    },
    {
      check: 'cli connection',
      looked: 'how the server is reached',
      findings:
        isPlain && token !== undefined
          ? [
              {
                code: 'PLAIN_HTTP',
                severity: 'Warning',
                text: `The token goes to ${server} in the clear: whoever is on the way can read it.`,
                next: 'use https, by a proxy before the server',
              },
            ]
          : [],
    },
  ];
};
