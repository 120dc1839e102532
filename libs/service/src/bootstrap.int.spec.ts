import { describe, expect, it } from 'vitest';
import { startTestService } from './fixture.js';

describe('a process that cannot start', () => {
  it('says which port is taken, and leaves nothing behind', async () => {
    const first = await startTestService();
    const grpc = startTestService({ environment: { PLINTH_GRPC_PORT: String(first.grpc.port) } });
    await expect(grpc).rejects.toThrow('PLINTH_GRPC_PORT');
    const http = startTestService({ environment: { PLINTH_HTTP_PORT: String(first.http.port) } });
    await expect(http).rejects.toThrow('EADDRINUSE');
    await first.close();
    await first.close();
  });
});
