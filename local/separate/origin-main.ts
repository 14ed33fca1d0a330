/** The origin as a child: what runs on AWS, and an end with the process that started it. */
import { onParentGone } from '../../adapters/parent-process.ts';

onParentGone(() => process.exit(0));
await import('../../origin/main.ts');
