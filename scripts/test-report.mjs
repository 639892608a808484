/**
 * What `scripts/test.mjs` counts and tells of a run of vitest, as JSON in its `--outputFile`: `{ passed, total, failures: [{ file, name, message }] }`. Unlike
 * vitest's own JSON it has what broke outside of tests, in a hook or an import, and each test that did not run where nothing before it broke.
 */
import { writeFileSync } from 'node:fs';
import { relative } from 'node:path';

/** Of a message: its first line tells what failed, a tool's output may be long. */
const MAX_MESSAGE_LENGTH = 500;

export default class TestReport {
  #output;
  #root;

  onInit(vitest) {
    this.#output = vitest.config.outputFile;
    this.#root = vitest.config.root;
  }

  onTestRunEnd(modules, unhandledErrors) {
    const tests = modules.flatMap((module) => [...module.children.allTests()]);
    const failures = modules.flatMap((module) => {
      const file = relative(this.#root, module.moduleId);
      return failuresIn(module, file).map((failure) => ({ file, ...failure }));
    });
    failures.push(...unhandledErrors.map((error) => ({ file: '', name: 'outside of the tests', message: firstLine(error) })));
    const passed = tests.filter((test) => test.result().state === 'passed').length;
    writeFileSync(this.#output, JSON.stringify({ passed, total: tests.length, failures }));
  }
}

/** `parent`: a module or a suite, whose tests do not run when it broke itself. */
function failuresIn(parent, name) {
  const own = parent.errors().map((error) => ({ name, message: firstLine(error) }));
  const children = [...parent.children].flatMap((child) => {
    const childName = `${name}: ${child.name}`;
    return child.type === 'test' ? failuresOf(child, childName, own.length > 0) : failuresIn(child, childName);
  });
  return [...own, ...children];
}

function failuresOf(test, name, isParentBroken) {
  const { state, errors = [] } = test.result();
  if (state === 'passed' || (state !== 'failed' && isParentBroken)) return [];
  return [{ name, message: state === 'failed' ? firstLine(errors[0]) : `${state}, not run` }];
}

function firstLine(error) {
  return String(error?.message ?? 'no message')
    .split('\n', 1)
    .join('')
    .slice(0, MAX_MESSAGE_LENGTH);
}
