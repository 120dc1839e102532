import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { configSchema, loadConfig } from './config.js';

describe('the environment', () => {
  it('may be empty: everything has a default that stays on this machine', () => {
    expect(loadConfig({ PLINTH_HOST: '' })).toMatchObject({
      PLINTH_HOST: '127.0.0.1',
      PLINTH_HTTP_PORT: 7460,
      PLINTH_GRPC_PORT: 7461,
      PLINTH_VALIDATE_RESPONSES: false,
    });
  });

  it('is refused with the variable, what was expected and what it was', () => {
    expect(() => loadConfig({ PLINTH_HTTP_PORT: 'http', PLINTH_LOG_LEVEL: 'loud' })).toThrow(
      /PLINTH_HTTP_PORT: .*number.* it is "http"\.\n {2}PLINTH_LOG_LEVEL: .*it is "loud"/,
    );
  });

  it('never shows the value of a secret', () => {
    expect(() => loadConfig({ PLINTH_TOKEN: 'too-short' })).toThrow('PLINTH_TOKEN');
    expect(() => loadConfig({ PLINTH_TOKEN: 'too-short' })).not.toThrow('too-short');
  });

  it('has the variables that a service adds', () => {
    const schema = configSchema.extend({ PLINTH_SLOTS: z.coerce.number().int().default(2) });
    expect(loadConfig({ PLINTH_SLOTS: '4' }, schema).PLINTH_SLOTS).toBe(4);
  });
});
