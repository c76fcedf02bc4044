//! What to do, for each pattern and each verdict.

use crate::context::Context;
use crate::report::{AccumulationPoint, Cure, Pattern, VerdictClass};

/// The cure of a pattern, in the names of the suspect.
pub(crate) fn of_pattern(pattern: Pattern, class: &str, point: &AccumulationPoint) -> Cure {
    let name = point.name.as_deref().filter(|name| is_identifier(name));
    let held = name.unwrap_or("entries");
    let (text, code) = text_and_code(pattern);
    let fill = |template: &str| template.replace("{name}", held).replace("{class}", class);
    Cure {
        text: fill(text),
        code: Some(code).filter(|code| !code.is_empty()).map(fill),
    }
}

fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|sign: char| sign.is_ascii_digit())
        && name
            .chars()
            .all(|sign| sign.is_alphanumeric() || sign == '_' || sign == '$')
}

#[rustfmt::skip]
const fn text_and_code(pattern: Pattern) -> (&'static str, &'static str) {
    match pattern {
        Pattern::UnboundedCache => (
            "`{name}` gets a new entry for each key and never loses one. Give it a bound, by count or bytes, and a time to live if entries become stale; memguard's LRUCache has the API of a Map for get, set, has and delete, evicts what was used longest ago, and shrinks under memory pressure. If keys come from outside (URLs, ids, header values), fold them to something finite first.",
            "const { LRUCache } = require('memguard');\nconst {name} = new LRUCache({ max: 5000, ttl: 10 * 60_000 });",
        ),
        Pattern::SessionMap => (
            "Entries of `{name}` are put in when something begins and stay when it ends. Take them out wherever it can end: in `finally`, on 'close' and on errors, not on success alone. What nobody ends (clients that do not come back) needs a time to live: memguard's LRUCache with `ttl` drops it.",
            "{name}.set(id, entry);\ntry {\n  await handle(entry);\n} finally {\n  {name}.delete(id);\n}\n\n// where nobody tells the end:\nconst { LRUCache } = require('memguard');\nconst {name} = new LRUCache({ max: 100_000, ttl: 30 * 60_000 });",
        ),
        Pattern::UnboundedArray => (
            "`{name}` is only ever added to. Keep what is needed alone: write records out (a log, a database, a metric) in place of keeping them, keep the last few in a ring, or empty the array when it has been worked off. A queue that fills faster than it is emptied needs back-pressure: stop taking work in when it is long.",
            "const MAX = 1000;\n{name}.push(entry);\nif ({name}.length > MAX) {name}.splice(0, {name}.length - MAX);",
        ),
        Pattern::Closure => (
            "Each kept function keeps all variables of the scopes around it that any function there uses. Drop the functions when they have served (remove listeners, resolve, clear lists of callbacks), and don't close over requests, responses or large objects: copy the fields that are needed into constants before the function is made.",
            "const { id } = request; // and not `request` itself\nonDone(() => log(id));",
        ),
        Pattern::Timer => (
            "Timers are started and never cleared; each keeps its callback and what that closes over. Keep the handle and clear it when its owner ends, make one interval for all rather than one each, and prefer `setTimeout` that re-arms itself while it is needed.",
            "const timer = setInterval(poll, 1000);\nsocket.once('close', () => clearInterval(timer));",
        ),
        Pattern::EventListener => (
            "Listeners are added to an emitter that lives longer than they do. Add them once outside of the handler, use `once`, or remove them when the work is done; an AbortSignal removes many at a time. Raising `setMaxListeners` only hides the warning.",
            "const onData = (chunk) => { /* … */ };\nemitter.on('data', onData);\nresponse.once('close', () => emitter.off('data', onData));\n\n// or\nconst { on } = require('events');\nemitter.once('data', onData);",
        ),
        Pattern::AbortSignal => (
            "Listeners pile up on a signal that lives as long as the process. Give each piece of work a controller of its own, remove its listener when it is done (`{ once: true }` removes it only when the signal fires), or use `addAbortListener` and dispose of it.",
            "const { addAbortListener } = require('events');\nconst listener = addAbortListener(shutdown.signal, cancel);\ntry {\n  await work();\n} finally {\n  listener[Symbol.dispose]();\n}",
        ),
        Pattern::UnclosedStream => (
            "Streams, sockets or messages are opened and not closed on every way out. Use `pipeline` (it destroys all parts when one fails), `destroy()` what is given up, read or `resume()` every response body to its end, and set timeouts so that a silent peer does not keep a socket for ever.",
            "const { pipeline } = require('stream/promises');\nawait pipeline(source, transform, target); // destroys all three on an error\n\nresponse.body?.cancel(); // a fetch() whose body nobody reads\nsocket.setTimeout(30_000, () => socket.destroy());",
        ),
        Pattern::Promise => (
            "Promises wait for something that does not come, or reactions pile up on one that lives long. Give every wait an end (a timeout, a signal), reject what is outstanding when a connection is lost, and don't race a long-lived promise in a loop: `Promise.race` adds a reaction to each of its promises every time.",
            "const result = await Promise.race([work(), once(signal, 'abort')]); // leaks on `signal` when called in a loop\n\nconst timeout = AbortSignal.timeout(30_000);\nconst result = await work({ signal: timeout });",
        ),
        Pattern::AsyncContext => (
            "The store of an AsyncLocalStorage is kept by whatever was started under it and still lives: timers, sockets of a pool, pending promises. Start what lives long outside of `run()`, use `als.exit()` or `AsyncResource.bind` around pools, keep stores small (an id rather than the request), and avoid `enterWith`.",
            "als.run({ requestId }, () => handle(request));      // small\nals.exit(() => pool.connect());                      // the connection outlives the request",
        ),
        Pattern::CompiledCode => (
            "Code is compiled for each call and kept: schemas, templates, queries or `new Function`. Compile once per distinct source and reuse the function: build schemas outside of the handler, key caches by something that repeats (an id or the text, not a fresh object), and bound them.",
            "const validate = ajv.compile(schema);        // once, at start\napp.post('/', (req, res) => { if (!validate(req.body)) … });\n\nconst { LRUCache } = require('memguard');\nconst compiled = new LRUCache({ max: 200 });  // where sources come from outside",
        ),
        Pattern::Global => (
            "It hangs on the global object, which never goes away (often by an assignment without `const`). Declare it where it is used, and bound what has to live long.",
            "'use strict'; // an undeclared name becomes an error",
        ),
        Pattern::BufferSlice => (
            "Small views keep large blocks: `subarray` and `slice` share the memory of the Buffer that they were cut from, and so do chunks of a stream. Copy what is kept for long.",
            "{name}.set(id, Buffer.from(packet.subarray(0, 16))); // a copy of 16 bytes, not a view of the packet",
        ),
        Pattern::ExternalMemory => (
            "The bytes lie outside of V8's heap, in ArrayBuffers or Buffers that objects keep: the heap's own figures hardly show them. Drop the objects, copy the small part that is needed, and bound caches of Buffers by bytes.",
            "const { LRUCache } = require('memguard');\nconst {name} = new LRUCache({ maxSize: 64 * 2 ** 20, sizeCalculation: (buffer) => buffer.byteLength });",
        ),
        Pattern::NativeMemory => (
            "V8 knows nothing of this memory: it belongs to addons, to libraries (image, crypto, database clients) or to the allocator. Close what these libraries give out, update them, and compare with them switched off.",
            "",
        ),
        Pattern::Worker => (
            "Workers or ports are made and not closed. Keep a pool of a few workers, `terminate()` those that are done, and `close()` both ends of a port.",
            "const worker = new Worker(file);\ntry {\n  await once(worker, 'message');\n} finally {\n  await worker.terminate();\n}",
        ),
        Pattern::LinkedList => (
            "A list grows at one end and nothing is taken off the other, or each new object refers to the one before and so keeps all of them. Cut the link when the older one has served.",
            "next.previous = null; // the predecessor may go",
        ),
        Pattern::Finalization => (
            "A FinalizationRegistry keeps each held value until its object is gone, strongly: when that value, or what it closes over, leads to the object itself, neither ever goes. Give it a plain value (an id), and unregister what was cleaned up by hand.",
            "registry.register(object, object.id, object); // not a function or object that refers to it\nregistry.unregister(object);",
        ),
        Pattern::Text => (
            "Strings cut from a larger one keep all of it, and strings that are added to keep every part. Copy what is kept for long, and write text out rather than collecting it.",
            "const copy = Buffer.from(part, 'utf8').toString(); // no longer a slice of the whole",
        ),
        Pattern::ModuleState | Pattern::Unknown => (
            "`{name}` holds more {class} than before, and nothing takes them out. Find who adds to it, and let whoever is done take away what it added; bound it where nobody is ever done.",
            "const { LRUCache } = require('memguard');\nconst {name} = new LRUCache({ max: 5000 });",
        ),
    }
}

/// What to do about a class that grows, where nobody could look who keeps it.
pub(crate) fn without_holder(class: &str) -> Cure {
    Cure {
        text: format!(
            "There are ever more {class}, and there was no memory for a look at who keeps them. Look at what is made where they are allocated: which list, Map or listener do they go into, and what takes them out? To have the holder named, hunt from outside of the container, where another process reads the heap with memory of its own, or give the container so much more for a while."
        ),
        code: Some("npx memguard hunt PID".to_owned()),
    }
}

/// What to do about growth without a suspect; none where nothing has to be done.
pub(crate) fn of_verdict(class: VerdictClass, context: &Context) -> Option<Cure> {
    let cure = |text: &str, code: Option<&str>| {
        Some(Cure {
            text: text.to_owned(),
            code: code.map(str::to_owned),
        })
    };
    match class {
        VerdictClass::Fragmentation => {
            let is_bounded = context
                .allocator
                .as_ref()
                .is_some_and(|allocator| allocator.arena_max_set);
            if is_bounded {
                cure(
                    "The allocator keeps memory that the program has given back, although its arenas are bounded already. An allocator that returns memory sooner (jemalloc, mimalloc) helps; so does making fewer large Buffers at a time.",
                    Some("LD_PRELOAD=/usr/lib/x86_64-linux-gnu/libjemalloc.so.2 node server.js"),
                )
            } else {
                cure(
                    "No object of the program leaks: glibc's malloc keeps memory that was given back, in an arena for each thread. Bound the arenas, or use another allocator.",
                    Some("MALLOC_ARENA_MAX=2 node server.js"),
                )
            }
        }
        VerdictClass::Native => cure(
            "Resident memory grows and V8 knows nothing of it: look at native addons and what they were asked to keep (prepared statements, images, compression contexts), at workers, and at memory-mapped files. Compare with each of them switched off, and run under a heap profiler for native memory.",
            Some("heaptrack node server.js"),
        ),
        VerdictClass::External => cure(of_pattern_text(Pattern::ExternalMemory), None),
        VerdictClass::CacheFilling => cure(
            "A cache fills up to its bound: nothing has to be mended. If the bound is more than the process can hold, lower it.",
            None,
        ),
        VerdictClass::Load => cure(
            "Memory follows the load. If its peaks come near the limit, raise the limit, add instances, or take less work in at a time.",
            None,
        ),
        VerdictClass::JsLeak => cure(
            "The live heap grows, but no two heaps could be compared, so nobody is named yet. Hunt again when there is room for it.",
            Some("npx memguard hunt PID"),
        ),
        VerdictClass::None | VerdictClass::Unknown => None,
    }
}

const fn of_pattern_text(pattern: Pattern) -> &'static str {
    text_and_code(pattern).0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_has_a_cure_in_the_names_of_the_suspect() {
        let point = AccumulationPoint {
            name: Some("requestLog".into()),
            ..AccumulationPoint::default()
        };
        for pattern in Pattern::ALL {
            let cure = of_pattern(pattern, "LogEntry", &point);
            assert!(cure.text.len() > 80, "{pattern:?}");
            let whole = format!("{} {}", cure.text, cure.code.unwrap_or_default());
            assert!(
                !whole.contains("{name}") && !whole.contains("{class}"),
                "{whole}"
            );
        }
        let cache = of_pattern(Pattern::UnboundedCache, "LogEntry", &point);
        assert!(
            cache
                .code
                .unwrap()
                .contains("const requestLog = new LRUCache(")
        );
    }

    #[test]
    fn what_is_no_name_is_not_put_into_code() {
        let point = AccumulationPoint {
            name: Some("content-type'); evil(".into()),
            ..AccumulationPoint::default()
        };
        let cure = of_pattern(Pattern::UnboundedArray, "X", &point);
        assert!(cure.code.unwrap().contains("entries.push(entry)"));
    }
}
