#!/usr/bin/env node
/** `cdk deploy --all -c env=dev`: the whole platform in one environment. */
import { App } from 'aws-cdk-lib';
import { loadEnvironment } from '../lib/config.ts';
import { buildPlatform } from '../lib/platform.ts';

const app = new App();
buildPlatform(app, loadEnvironment(app.node.tryGetContext('env') as string | undefined));
app.synth();
