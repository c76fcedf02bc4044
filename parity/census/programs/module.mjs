// Modules, top-level variables, private fields, accessors, proxies, tagged objects, typed arrays over one buffer.

import vm from 'node:vm';

export const exported = [];

class UserPoint {
  #x = { hidden: true };

  static count = 0;

  get x() {
    return this.#x;
  }

  set x(value) {
    this.#x = value;
  }

  constructor() {
    UserPoint.count++;
  }
}
class UserTagged {
  get [Symbol.toStringTag]() {
    return 'UserTag';
  }
}
class UserOwnTag {
  constructor() {
    Object.defineProperty(this, Symbol.toStringTag, { value: 'UserOwn' });
  }
}
const UserComputed = { ['UserName']: class {} }.UserName;
function UserOld() {
  this.parts = [];
}
UserOld.prototype.method = function method() {};
function UserChild() {
  UserOld.call(this);
}
UserChild.prototype = Object.create(UserOld.prototype, { constructor: { value: UserChild, writable: true } });

for (let i = 0; i < 1000; i++) {
  exported.push(new UserPoint(), new UserTagged(), new UserOwnTag(), new UserComputed(), new UserOld(), new UserChild());
}
const shared = new ArrayBuffer(1 << 20);
const views = [new Uint8Array(shared), new Float64Array(shared, 8, 100), new DataView(shared)];
const memory = new WebAssembly.Memory({ initial: 2, maximum: 4 });
const context = vm.createContext({ inside: new UserPoint() });
vm.runInContext('class UserForeign {}; var kept = []; for (let i = 0; i < 100; i++) kept.push(new UserForeign());', context);
vm.runInThisContext('let scriptLevel = new (class UserScript {})(); globalThis.read = () => scriptLevel;');
const nothing = Object.create(null);
nothing.key = { value: new UserPoint() };
const frozen = Object.freeze([new UserPoint(), Object.freeze({ deep: new UserPoint() })]);
const withArguments = (function collect() {
  return arguments;
})(1, new UserPoint());
globalThis.keep = { views, memory, context, nothing, frozen, withArguments };
globalThis.done();
