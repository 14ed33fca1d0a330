/**
 * The export job: reads its configuration, wires S3, exports one recording, and says with its exit code whether it
 * is worth trying again (lib/stacks/batch-stack.ts gives the same numbers to AWS Batch).
 */
import { AV_LOG_ERROR } from 'node-av/constants';
import { Log } from 'node-av/lib';
import { SystemClock } from '../../adapters/clock-system.ts';
import { JsonLog } from '../../adapters/log-json.ts';
import { ObjectsS3 } from '../../adapters/objects-s3.ts';
import { MirrorError, messageOf } from '../../domain/errors.ts';
import { EXPORT_EXIT_CODE } from '../../domain/export-exit-code.ts';
import { readExportConfig } from './config.ts';
import { exportRecording } from './export-recording.ts';

const clock = new SystemClock();
Log.setLevel(AV_LOG_ERROR);

try {
  const config = readExportConfig(process.env);
  const log = new JsonLog({
    clock,
    level: 'info',
    fields: { streamId: config.recording.streamId },
    write: (line) => void process.stdout.write(line),
  });
  const store = new ObjectsS3(config.bucket);
  await exportRecording(config.recording, { store, log, scratchDirectory: config.scratchDirectory });
  store.close();
} catch (error) {
  const known = error instanceof MirrorError;
  process.stderr.write(`${messageOf(error)}${known ? ` ${error.remedy}` : ''}\n`);
  process.exitCode = known && !error.retryable ? EXPORT_EXIT_CODE.hopeless : EXPORT_EXIT_CODE.tryAgain;
}
