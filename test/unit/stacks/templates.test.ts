/** All that is tested on templates, in one process: each environment is synthesized once (synthesized.ts). */
import './platform.suite.ts';
import './least-privilege.suite.ts';
import './reachability.suite.ts';
import './calls.suite.ts';
import './gpu-hosts.suite.ts';
import './rotation.suite.ts';
import './pages.suite.ts';
import './batch.suite.ts';
import './observability.suite.ts';
import './guard.suite.ts';
import './golden.suite.ts';
import './topology.suite.ts';
