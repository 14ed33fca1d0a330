import { controlBenches } from '/work/main/bench/control.bench.ts';
import { tableText } from '/work/main/bench/result.ts';
for (const b of controlBenches) { if (process.argv[2] && b.name !== process.argv[2]) continue; const o = await b.run({ quick: true, say: (l) => console.log('..', l) }); console.log(b.title); console.log(tableText(o.measures)); }
