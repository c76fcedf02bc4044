'use strict';

// Classes: private fields and methods, static blocks, deep inheritance, mixins, subclasses of built-ins, anonymous ones.

class UserPrivate {
  #secret;
  #list = [];
  static #made = 0;
  static registry = new Map();

  static {
    UserPrivate.registry.set('first', { tag: 'static' });
  }

  constructor(i) {
    this.#secret = { i };
    this.#list.push(i, `p${i}`);
    UserPrivate.#made++;
  }

  #hidden() {
    return this.#secret;
  }

  get #computed() {
    return this.#list;
  }

  read() {
    return [this.#hidden(), this.#computed, UserPrivate.#made];
  }
}
const UserMixin = (base) => class UserMixed extends base {
  mixed = [1.5];
};
class UserRoot {
  root = true;
}
class UserLevel1 extends UserRoot {
  one = { deep: 1 };
}
class UserLevel2 extends UserLevel1 {
  two = null;
}
class UserLevel3 extends UserMixin(UserLevel2) {
  constructor(i) {
    super();
    this[`k${i % 20}`] = i;
  }
}
class UserError extends Error {}
class UserPromise extends Promise {}
class UserBytes extends Uint8Array {}
class UserSet extends Set {}
class UserFunction extends Function {}
class UserString extends String {}
class UserDate extends Date {}
class UserRegExp extends RegExp {}
function UserFactory(i) {
  return { made: i };
}
function UserReturned() {
  return Object.create(UserReturned.prototype, { own: { value: {}, enumerable: true } });
}
const anonymous = [class {}, class { static name = 'UserStatic'; }, (() => class {})()];
const kept = [];
for (let i = 0; i < 1500; i++) {
  kept.push(new UserPrivate(i), new UserLevel3(i), new UserLevel2(), new UserFactory(i), new UserReturned());
  kept.push(new UserSet([i, `s${i}`]), new UserBytes(i % 70), new UserDate(i), UserPromise.resolve({ i }));
  if (i % 5 === 0) kept.push(new UserError(`e${i}`), new UserString(`x${i}`), new UserRegExp(`a${i}`, 'g'));
  if (i % 50 === 0) kept.push(new UserFunction('return 1'), Reflect.construct(UserLevel1, [], UserPrivate));
  kept.push(new anonymous[i % 3]());
}
global.keep = { kept, anonymous, read: kept.filter((each) => each instanceof UserPrivate && each.read).length };
global.done();
