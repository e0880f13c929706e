/*
 * Understands the expressions in unfold's templates without `eval`, so that the content security policy can forbid it.
 *
 * compile(text) returns a function that takes a scope and yields the value. It knows the part of JavaScript that those
 * templates use: literals, members, calls, operators, assignments, `name => expression`, and `if` between statements.
 *
 * What an expression can reach is bounded as well, because whoever could smuggle an attribute into a page would
 * otherwise write a program there. It reads and changes the state of the page's components and calls their functions.
 * Of the browser it gets the names in `globals`, and of elements and events the members in `HOST_MEMBERS`.
 */
const flexhubExpressions = (() => {
  "use strict";

  const TOKEN = /\s*(?:([A-Za-z_$][\w$]*)|(\d+(?:\.\d+)?)|("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(===|!==|=>|==|!=|<=|>=|&&|\|\||\?\?|\?\.|\+=|-=|[-+*\/<>=!?:.,;()[\]{}]))/y;
  const CONSTANTS = new Map([["true", true], ["false", false], ["null", null], ["undefined", undefined]]);
  const HOST_MEMBERS = new Set(["blur", "ctrlKey", "focus", "key", "metaKey", "tagName", "target", "value"]);
  // Ways from any value to the browser's own functions and to what all objects share.
  const NEVER = new Set([
    "constructor", "prototype", "__proto__",
    "__defineGetter__", "__defineSetter__", "__lookupGetter__", "__lookupSetter__",
  ]);

  // The loosest first. All of them are taken from left to right.
  const BINARY = [
    { "??": (a, b) => a() ?? b() },
    { "||": (a, b) => a() || b() },
    { "&&": (a, b) => a() && b() },
    { "==": (a, b) => a() == b(), "!=": (a, b) => a() != b(), "===": (a, b) => a() === b(), "!==": (a, b) => a() !== b() },
    { "<": (a, b) => a() < b(), ">": (a, b) => a() > b(), "<=": (a, b) => a() <= b(), ">=": (a, b) => a() >= b() },
    { "+": (a, b) => a() + b(), "-": (a, b) => a() - b() },
    { "*": (a, b) => a() * b(), "/": (a, b) => a() / b() },
  ];
  const ASSIGNMENTS = { "=": (_, value) => value, "+=": (old, value) => old + value, "-=": (old, value) => old - value };

  function tokens(text) {
    const found = [];
    TOKEN.lastIndex = 0;
    while (TOKEN.lastIndex < text.length && /\S/.test(text.slice(TOKEN.lastIndex))) {
      const at = TOKEN.lastIndex;
      const match = TOKEN.exec(text);
      if (!match) {
        throw new SyntaxError(`cannot read the expression from "${text.slice(at)}" on`);
      }
      const [, name, number, string, sign] = match;
      found.push({ name, sign, isLiteral: number !== undefined || string !== undefined, value: literal(number, string) });
    }
    return found;
  }

  function literal(number, string) {
    return string === undefined ? Number(number) : string.slice(1, -1).replace(/\\(.)/g, "$1");
  }

  /* The key as a text, so that no list or object turns into a forbidden one later. */
  function member(owner, key) {
    const text = String(key);
    const isHost = owner instanceof Node || owner instanceof Event;
    if (NEVER.has(text) || typeof owner === "function" || owner === window || (isHost && !HOST_MEMBERS.has(text))) {
      throw new TypeError(`an expression may not use "${text}" here`);
    }
    return text;
  }

  /* A place that can be read, and written where `find` yields an owner; calls get the owner as their `this`. */
  function place(find) {
    const read = (scope) => {
      const { owner, key } = find(scope);
      return owner == null ? undefined : owner[key];
    };
    return Object.assign(read, { find });
  }

  class Parser {
    constructor(text, globals) {
      this.text = text;
      this.tokens = tokens(text);
      this.at = 0;
      this.globals = globals;
    }

    program() {
      const statements = [];
      while (this.at < this.tokens.length) {
        statements.push(this.statement());
      }
      return inOrder(statements);
    }

    statement() {
      if (this.peek()?.name === "if") {
        return this.condition();
      }
      const made = this.expression();
      const next = this.peek();
      if (!this.take(";") && next && next.sign !== "}" && next.name !== "else") {
        this.fail();
      }
      return made;
    }

    condition() {
      this.at++;
      this.expect("(");
      const test = this.expression();
      this.expect(")");
      const then = this.branch();
      const otherwise = this.takeName("else") ? this.branch() : () => undefined;
      return (scope) => (test(scope) ? then(scope) : otherwise(scope));
    }

    branch() {
      if (!this.take("{")) {
        return this.statement();
      }
      const statements = [];
      while (!this.take("}")) {
        statements.push(this.statement());
      }
      return inOrder(statements);
    }

    expression() {
      if (this.peek()?.name && this.peek(1)?.sign === "=>") {
        return this.arrow();
      }
      const target = this.choice();
      const assign = ASSIGNMENTS[this.peek()?.sign];
      if (!assign) {
        return target;
      }
      this.at++;
      if (!target.find) {
        this.fail();
      }
      const value = this.expression();
      return (scope) => {
        const { owner, key } = target.find(scope);
        return (owner[key] = assign(owner[key], value(scope)));
      };
    }

    arrow() {
      const { name } = this.peek();
      this.at += 2;
      const body = this.expression();
      return (scope) => (argument) => body(Object.create(scope, { [name]: { value: argument } }));
    }

    choice() {
      const test = this.binary(0);
      if (!this.take("?")) {
        return test;
      }
      const then = this.expression();
      this.expect(":");
      const otherwise = this.expression();
      return (scope) => (test(scope) ? then(scope) : otherwise(scope));
    }

    binary(level) {
      if (level === BINARY.length) {
        return this.unary();
      }
      let left = this.binary(level + 1);
      let apply = BINARY[level][this.peek()?.sign];
      while (apply) {
        this.at++;
        left = both(apply, left, this.binary(level + 1));
        apply = BINARY[level][this.peek()?.sign];
      }
      return left;
    }

    unary() {
      if (this.take("!")) {
        const value = this.unary();
        return (scope) => !value(scope);
      }
      if (this.take("-")) {
        const value = this.unary();
        return (scope) => -value(scope);
      }
      return this.postfix();
    }

    postfix() {
      let made = this.primary();
      for (;;) {
        if (this.take(".")) {
          made = memberOf(made, this.name());
        } else if (this.take("?.")) {
          made = memberOf(made, this.name(), true);
        } else if (this.take("[")) {
          made = memberOf(made, this.expression());
          this.expect("]");
        } else if (this.take("(")) {
          made = call(made, this.list(")"));
        } else {
          return made;
        }
      }
    }

    primary() {
      const token = this.tokens[this.at++];
      if (token?.isLiteral) {
        return () => token.value;
      }
      if (token?.name) {
        return CONSTANTS.has(token.name) ? () => CONSTANTS.get(token.name) : this.variable(token.name);
      }
      if (token?.sign === "(") {
        const inner = this.expression();
        this.expect(")");
        return inner;
      }
      if (token?.sign === "[") {
        const items = this.list("]");
        return (scope) => items.map((item) => item(scope));
      }
      return token?.sign === "{" ? this.object() : this.fail();
    }

    variable(name) {
      const { globals } = this;
      return place((scope) => {
        if (!(name in scope) && Object.hasOwn(globals, name)) {
          return { owner: globals, key: name };
        }
        return { owner: scope, key: member(null, name) };
      });
    }

    object() {
      const entries = [];
      while (!this.take("}")) {
        const token = this.tokens[this.at++];
        const key = token?.name ?? (token?.isLiteral ? String(token.value) : this.fail());
        this.expect(":");
        entries.push([member(null, key), this.expression()]);
        if (this.peek()?.sign !== "}") {
          this.expect(",");
        }
      }
      return (scope) => Object.fromEntries(entries.map(([key, value]) => [key, value(scope)]));
    }

    list(end) {
      const items = [];
      while (!this.take(end)) {
        items.push(this.expression());
        if (this.peek()?.sign !== end) {
          this.expect(",");
        }
      }
      return items;
    }

    name() {
      const { name } = this.tokens[this.at++] ?? {};
      return name ? () => name : this.fail();
    }

    peek(ahead = 0) {
      return this.tokens[this.at + ahead];
    }

    take(sign) {
      const found = this.peek()?.sign === sign;
      this.at += found;
      return found;
    }

    takeName(name) {
      const found = this.peek()?.name === name;
      this.at += found;
      return found;
    }

    expect(sign) {
      if (!this.take(sign)) {
        this.fail();
      }
    }

    fail() {
      throw new SyntaxError(`cannot understand the expression "${this.text}"`);
    }
  }

  function inOrder(statements) {
    return (scope) => statements.reduce((_, statement) => statement(scope), undefined);
  }

  function both(apply, left, right) {
    return (scope) => apply(() => left(scope), () => right(scope));
  }

  function memberOf(object, key, mayBeAbsent = false) {
    return place((scope) => {
      const owner = object(scope);
      if (owner == null && !mayBeAbsent) {
        throw new TypeError(`"${String(key(scope))}" is asked of ${owner}`);
      }
      return { owner, key: member(owner, key(scope)) };
    });
  }

  function call(callee, items) {
    return (scope) => {
      const { owner, key } = callee.find ? callee.find(scope) : { owner: undefined };
      const target = callee.find ? owner?.[key] : callee(scope);
      return target.apply(owner, items.map((item) => item(scope)));
    };
  }

  const compiled = new Map();

  /* Each text is understood once. Raises SyntaxError. */
  function compile(text, globals) {
    if (!compiled.has(text)) {
      compiled.set(text, new Parser(text, globals).program());
    }
    return compiled.get(text);
  }

  return { compile };
})();
