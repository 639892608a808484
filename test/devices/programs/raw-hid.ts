/** node-hid and nothing else: does what it is told, one message for each command, and tells of every handle's reports and errors by counts. */
import { HIDAsync, devicesAsync } from 'node-hid';

interface Command {
  readonly do: 'list' | 'open' | 'get' | 'set' | 'write' | 'image' | 'capture' | 'captured' | 'close' | 'slow' | 'exit';
  readonly path?: string;
  readonly id?: number;
  readonly length?: number;
  readonly bytes?: string;
}

interface Open {
  readonly device: HIDAsync;
  readonly reports: string[];
  error?: string;
}

const open = new Map<string, Open>();

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error));

function handle(path: string | undefined): Open {
  const found = open.get(path ?? '');
  if (!found) throw new Error(`${path ?? 'nothing'} is not open`);
  return found;
}

/** Blocks of 253 bytes behind report 26, as a signature pad takes its picture. */
async function sendImage(device: HIDAsync, lengthBytes: number): Promise<number> {
  let blocks = 0;
  await device.sendFeatureReport(Buffer.of(0x25, 4));
  for (let offset = 0; offset < lengthBytes; offset += 253) {
    const block = Buffer.alloc(256, blocks & 0xff);
    block[0] = 0x26;
    block.writeUInt16LE(Math.min(253, lengthBytes - offset), 1);
    await device.sendFeatureReport(block);
    blocks += 1;
  }
  await device.sendFeatureReport(Buffer.of(0x27, 0));
  return blocks;
}

/** How often the event loop came round while a feature report was read. */
async function slowFeature(device: HIDAsync, id: number): Promise<number> {
  let ticks = 0;
  const timer = setInterval(() => (ticks += 1), 10);
  await device.getFeatureReport(id, 64);
  clearInterval(timer);
  return ticks;
}

async function run(command: Command): Promise<unknown> {
  const { path = '', id = 0, length = 64, bytes = '' } = command;
  switch (command.do) {
    case 'list':
      return (await devicesAsync()).map((device) => ({ ...device }));
    case 'open': {
      const device = await HIDAsync.open(path);
      const entry: Open = { device, reports: [] };
      open.set(path, entry);
      return 'open';
    }
    case 'capture': {
      const entry = handle(path);
      entry.device.on('data', (data: Buffer) => entry.reports.push(data.toString('hex')));
      entry.device.on('error', (error: unknown) => (entry.error ??= text(error)));
      return 'capturing';
    }
    case 'captured': {
      const { reports, error } = handle(path);
      return { reports: reports.splice(0), error };
    }
    case 'get':
      return Buffer.from(await handle(path).device.getFeatureReport(id, length)).toString('hex');
    case 'set':
      return await handle(path).device.sendFeatureReport(Buffer.from(bytes, 'hex'));
    case 'write':
      return await handle(path).device.write(Buffer.from(bytes, 'hex'));
    case 'image':
      return await sendImage(handle(path).device, length);
    case 'slow':
      return await slowFeature(handle(path).device, id);
    case 'close': {
      const { device } = handle(path);
      open.delete(path);
      await device.close();
      return 'closed';
    }
    case 'exit':
      process.disconnect();
      return undefined;
  }
}

process.on('message', (command: Command) => {
  run(command).then(
    (result) => process.connected && process.send?.({ result }),
    (error: unknown) => process.send?.({ error: text(error) }),
  );
});
