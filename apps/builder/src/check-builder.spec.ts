import { describe, expect, it } from 'vitest';
import { DiagnosticChecks } from '#libs/service';
import type { BuilderService } from './builder.service.js';
import { checkBuilder } from './check-builder.js';

const findings = async (isolation: string, missing: string[] = []): Promise<(readonly [string, string])[]> => {
  const checks = new DiagnosticChecks();
  const builder = { engine: { name: 'buildah', isolation }, ready: () => missing } as never as BuilderService;
  checkBuilder(checks, builder);
  return (await checks.run()).flatMap((one) => one.findings.map(({ code, severity }) => [code, severity] as const));
};

describe('the check of a builder', () => {
  it('finds builds that are kept apart by chroot alone', async () => {
    expect(await findings('chroot')).toEqual([['WEAK_ISOLATION', 'Warning']]);
    expect(await findings('oci')).toEqual([]);
  });

  it('finds an engine that cannot build, whatever keeps builds apart', async () => {
    expect(await findings('oci', ['There is no buildah on PATH.'])).toEqual([['CANNOT_BUILD', 'Problem']]);
    expect(await findings('chroot', ['There is no buildah on PATH.'])).toEqual([
      ['CANNOT_BUILD', 'Problem'],
      ['WEAK_ISOLATION', 'Warning'],
    ]);
  });
});
