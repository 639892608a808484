/**
 * This process as a Windows service: what the service control manager asks of it, and what it is told (Microsoft, "Service Control Manager"). Node has no words for it, and
 * needs no other program either: the dispatcher waits in a thread of libuv's pool, and koffi carries its calls to the main thread.
 */
import koffi from 'koffi';

/** winsvc.h, winnt.h */
const SERVICE_WIN32_OWN_PROCESS = 0x10;
const STATE = { stopped: 1, startPending: 2, stopPending: 3, running: 4 } as const;
const CONTROL = { stop: 1, interrogate: 4, shutdown: 5, paramChange: 6, preshutdown: 15 } as const;
const ACCEPT_STOP = 0x1;
const ACCEPT_SHUTDOWN = 0x4;
const ACCEPT_PARAM_CHANGE = 0x8;
const ACCEPT_PRESHUTDOWN = 0x100;
/** winerror.h */
const NO_ERROR = 0;
const ERROR_CALL_NOT_IMPLEMENTED = 120;
const ERROR_SERVICE_SPECIFIC_ERROR = 1066;

export interface ServiceControls {
  /** The service is to end: by a person, or since the computer is switched off. May come twice. */
  readonly onStop: () => void;
  /** `sc control NAME paramchange`: what is configured has changed. */
  readonly onReload: () => void;
}

export interface WindowsService {
  /** Whoever waits for the start is let go. */
  readonly running: () => void;
  /** Resolves when the manager has been told; the process may end then. `status` other than 0 makes the manager restart the service. */
  readonly stopped: (status: number) => Promise<void>;
}

export interface ServiceOptions {
  readonly controls: ServiceControls;
  /** How long starting and stopping may take before the manager believes the process hung. */
  readonly patienceMs: number;
}

type Library = ReturnType<typeof koffi.load>;

interface Connection {
  readonly tell: (state: number, accepted: number, status: number) => void;
}

/** Resolves when the manager has let the process in; rejects when it was not the manager that started it. On Windows alone. */
export async function openWindowsService(name: string, { controls, patienceMs }: ServiceOptions): Promise<WindowsService> {
  const library = koffi.load('advapi32.dll');
  const connected = Promise.withResolvers<Connection>();
  const control = (code: number): number => answer(code, controls, () => void connected.promise.then(isStopping));
  const isStopping = ({ tell }: Connection): void => tell(STATE.stopPending, 0, NO_ERROR);
  const dispatched = dispatch(library, name, () => connected.resolve(connect(library, name, { control, patienceMs })));
  const { tell } = await Promise.race([
    connected.promise,
    dispatched.then(() => {
      throw new Error(
        'becoming a Windows service: the service control manager did not start this process. Start it with: sc start kortd',
      );
    }),
  ]);
  tell(STATE.startPending, 0, NO_ERROR);
  return {
    running: () => tell(STATE.running, ACCEPT_STOP | ACCEPT_SHUTDOWN | ACCEPT_PARAM_CHANGE | ACCEPT_PRESHUTDOWN, NO_ERROR),
    stopped: async (status) => {
      tell(STATE.stopped, 0, status);
      await dispatched;
    },
  };
}

/** Calls `main` once; resolves when the service has stopped, or at once when there is no manager. */
function dispatch(library: Library, name: string, main: () => void): Promise<boolean> {
  const procedure = koffi.proto('void __stdcall KortdServiceMain(uint32_t argc, void *argv)');
  const entry = koffi.struct('KortdServiceTableEntry', { name: 'str16', main: koffi.pointer(procedure) });
  const start = library.func('StartServiceCtrlDispatcherW', 'bool', [koffi.pointer(entry)]);
  const table = [
    { name, main: koffi.register(main, koffi.pointer(procedure)) },
    { name: null, main: null },
  ];
  return new Promise((resolve, reject) => {
    start.async(table, (error: Error | null, result: boolean) => (error ? reject(error) : resolve(result)));
  });
}

/** The manager's handle is good for as long as the process is a service: nothing is to be closed. */
function connect(
  library: Library,
  name: string,
  { control, patienceMs }: { readonly control: (code: number) => number; readonly patienceMs: number },
): Connection {
  const procedure = koffi.proto(
    'uint32_t __stdcall KortdServiceHandler(uint32_t control, uint32_t type, void *data, void *context)',
  );
  const numbers = ['type', 'state', 'accepted', 'exitCode', 'specificCode', 'checkPoint', 'waitHint'];
  const record = koffi.struct('KortdServiceStatus', Object.fromEntries(numbers.map((field) => [field, 'uint32_t'])));
  const register = library.func('RegisterServiceCtrlHandlerExW', 'void *', ['str16', koffi.pointer(procedure), 'void *']);
  const setStatus = library.func('SetServiceStatus', 'bool', ['void *', koffi.pointer(record)]);
  const handle: unknown = register(name, koffi.register(control, koffi.pointer(procedure)), null);
  return {
    tell: (state, accepted, status) => {
      const isWaiting = state === STATE.startPending || state === STATE.stopPending;
      const exitCode = status === NO_ERROR ? NO_ERROR : ERROR_SERVICE_SPECIFIC_ERROR;
      const waitHint = isWaiting ? patienceMs : 0;
      setStatus(handle, {
        type: SERVICE_WIN32_OWN_PROCESS,
        state,
        accepted,
        exitCode,
        specificCode: status,
        checkPoint: 0,
        waitHint,
      });
    },
  };
}

/** HandlerEx must answer within 30 seconds (Microsoft, "Service Control Handler Function"): the work is done afterwards. */
function answer(code: number, controls: ServiceControls, stopping: () => void): number {
  switch (code) {
    case CONTROL.stop:
    case CONTROL.shutdown:
    case CONTROL.preshutdown:
      stopping();
      setImmediate(controls.onStop);
      return NO_ERROR;
    case CONTROL.paramChange:
      setImmediate(controls.onReload);
      return NO_ERROR;
    case CONTROL.interrogate:
      return NO_ERROR;
    default:
      return ERROR_CALL_NOT_IMPLEMENTED;
  }
}
