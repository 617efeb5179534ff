//! The stack machine.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::objects::{Id, Object, Pickle};
use crate::problem::PickleProblem;

/// Most objects of a pickle, and most entries of its stack and its memo. A state dict has some
/// thirty objects a tensor.
const MAX_OBJECTS: usize = 1 << 22;
/// The newest pickle protocol.
const NEWEST_PROTOCOL: u8 = 5;

/// Names that are known to every reader: a dictionary, and bytes as Python 3 writes them by protocols
/// that have none.
const ORDERED_DICT: (&str, &str) = ("collections", "OrderedDict");
const ENCODE: (&str, &str) = ("_codecs", "encode");

/// Reads the pickle that `bytes` begin with. `allowed` tells which names it may hold, as module and name,
/// beside `collections.OrderedDict` and `_codecs.encode`.
///
/// # Errors
/// Where it is cut short or contradicts itself, and where it uses an opcode or a name that is not on
/// the list.
pub fn load<'a>(
    bytes: &'a [u8],
    allowed: fn(&str, &str) -> bool,
) -> Result<Pickle<'a>, PickleProblem> {
    let mut machine = Machine {
        bytes,
        allowed,
        position: 0,
        objects: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
    };
    let root = machine.run()?;
    Ok(Pickle {
        objects: machine.objects,
        root,
        len: machine.position,
    })
}

/// The machine at work.
struct Machine<'a> {
    bytes: &'a [u8],
    allowed: fn(&str, &str) -> bool,
    position: usize,
    objects: Vec<Object<'a>>,
    stack: Vec<Id>,
    /// Heights of the stack at the marks.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
}

fn damaged(reason: &str) -> PickleProblem {
    PickleProblem::Damaged(reason.to_owned())
}

impl<'a> Machine<'a> {
    /// Runs to the end and returns the result.
    fn run(&mut self) -> Result<Id, PickleProblem> {
        loop {
            if self.stack.len().max(self.memo.len()).max(self.marks.len()) > MAX_OBJECTS {
                return Err(damaged("is too deep"));
            }
            let position = self.position;
            let [opcode] = self.array()?;
            match opcode {
                b'.' => return self.pop(),
                0x80 => {
                    let [protocol] = self.array()?;
                    if protocol > NEWEST_PROTOCOL {
                        return Err(PickleProblem::Protocol(protocol));
                    }
                }
                // FRAME: a hint about the bytes that follow.
                0x95 => drop(self.array::<8>()?),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => drop(self.pop()?),
                b'1' => drop(self.pop_mark()?),
                b'N' | b'G' => {
                    if opcode == b'G' {
                        self.array::<8>()?;
                    }
                    self.push(Object::Opaque)?;
                }
                0x88 => self.push(Object::Bool(true))?,
                0x89 => self.push(Object::Bool(false))?,
                b'J' | b'K' | b'M' | 0x8a => {
                    let number = self.integer(opcode)?;
                    self.push(number)?;
                }
                b'X' | 0x8c | 0x8d => {
                    let text = self.text(opcode)?;
                    self.push(Object::Text(text))?;
                }
                // Python 2's str: a text or bytes.
                b'U' | b'T' => {
                    let len = self.length(opcode)?;
                    let bytes = self.take(len)?;
                    self.push(match std::str::from_utf8(bytes) {
                        Ok(text) => Object::Text(text),
                        Err(_) => Object::Bytes(Cow::Borrowed(bytes)),
                    })?;
                }
                b'B' | b'C' | 0x8e | 0x96 => {
                    let len = self.length(opcode)?;
                    let bytes = self.take(len)?;
                    self.push(Object::Bytes(Cow::Borrowed(bytes)))?;
                }
                b')' => self.push(Object::Tuple(Vec::new()))?,
                b']' | 0x8f => self.push(Object::List(Vec::new()))?,
                b'}' => self.push(Object::Dict(Vec::new()))?,
                0x85..=0x87 => {
                    let items = self.pop_many(usize::from(opcode - 0x84))?;
                    self.push(Object::Tuple(items))?;
                }
                b't' => {
                    let items = self.pop_mark()?;
                    self.push(Object::Tuple(items))?;
                }
                b'a' | b'e' | 0x90 => {
                    let items = match opcode {
                        b'a' => vec![self.pop()?],
                        _ => self.pop_mark()?,
                    };
                    self.append(items)?;
                }
                b's' | b'u' => {
                    let items = match opcode {
                        b's' => self.pop_many(2)?,
                        _ => self.pop_mark()?,
                    };
                    self.set_items(&items)?;
                }
                b'c' | 0x93 => {
                    let global = self.global(opcode)?;
                    self.push(global)?;
                }
                b'Q' => {
                    let name = self.pop()?;
                    self.push(Object::Persistent(name))?;
                }
                // REDUCE and NEWOBJ: both make an object of a name and its arguments.
                b'R' | 0x81 => {
                    let arguments = self.pop()?;
                    let callee = self.pop()?;
                    let made = self.call(callee, arguments)?;
                    self.push(made)?;
                }
                // BUILD. The state of a dictionary holds nothing but extra attributes.
                b'b' => {
                    let given = self.pop()?;
                    if let Object::Call { state, .. } = self.top()? {
                        *state = Some(given);
                    }
                }
                b'q' | b'r' | 0x94 => {
                    let slot = match opcode {
                        0x94 => self.memo.len() as u32,
                        _ => self.memo_index(opcode == b'q')?,
                    };
                    let top = *self
                        .stack
                        .last()
                        .ok_or_else(|| damaged("stores an object where there is none"))?;
                    self.memo.insert(slot, top);
                }
                b'h' | b'j' => {
                    let slot = self.memo_index(opcode == b'h')?;
                    let id = *self
                        .memo
                        .get(&slot)
                        .ok_or_else(|| damaged("recalls an object that it did not store"))?;
                    self.stack.push(id);
                }
                opcode => return Err(PickleProblem::ForbiddenOpcode { opcode, position }),
            }
        }
    }

    // Bytes.

    fn take(&mut self, len: usize) -> Result<&'a [u8], PickleProblem> {
        let end = self.position.checked_add(len);
        let taken = end.and_then(|end| self.bytes.get(self.position..end));
        let taken = taken.ok_or_else(|| damaged("ends in the middle"))?;
        self.position += len;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], PickleProblem> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// The length that a text or bytes opcode begins with.
    fn length(&mut self, opcode: u8) -> Result<usize, PickleProblem> {
        let length = match opcode {
            0x8c | b'U' | b'C' => u64::from(self.array::<1>()?[0]),
            0x8d | 0x8e | 0x96 => u64::from_le_bytes(self.array()?),
            _ => u64::from(u32::from_le_bytes(self.array()?)),
        };
        usize::try_from(length).map_err(|_| damaged("ends in the middle"))
    }

    fn text(&mut self, opcode: u8) -> Result<&'a str, PickleProblem> {
        let len = self.length(opcode)?;
        let bytes = self.take(len)?;
        std::str::from_utf8(bytes).map_err(|_| damaged("holds a text that is not UTF-8"))
    }

    fn line(&mut self) -> Result<&'a str, PickleProblem> {
        let rest = &self.bytes[self.position..];
        let len = rest.iter().position(|&byte| byte == b'\n');
        let line = self.take(len.ok_or_else(|| damaged("ends in the middle"))?)?;
        self.take(1)?;
        std::str::from_utf8(line).map_err(|_| damaged("holds a name that is not UTF-8"))
    }

    fn integer(&mut self, opcode: u8) -> Result<Object<'a>, PickleProblem> {
        Ok(Object::Int(match opcode {
            b'J' => i32::from_le_bytes(self.array()?).into(),
            b'K' => self.array::<1>()?[0].into(),
            b'M' => u16::from_le_bytes(self.array()?).into(),
            _ => {
                let len = usize::from(self.array::<1>()?[0]);
                let bytes = self.take(len)?;
                if len > 8 {
                    return Ok(Object::Opaque);
                }
                let negative = bytes.last().is_some_and(|&byte| byte & 0x80 != 0);
                let mut wide = if negative { [0xFF; 8] } else { [0; 8] };
                wide[..len].copy_from_slice(bytes);
                i64::from_le_bytes(wide)
            }
        }))
    }

    fn memo_index(&mut self, short: bool) -> Result<u32, PickleProblem> {
        Ok(if short {
            self.array::<1>()?[0].into()
        } else {
            u32::from_le_bytes(self.array()?)
        })
    }

    // Names.

    /// The name that an opcode brings, in two lines or from the stack.
    fn global(&mut self, opcode: u8) -> Result<Object<'a>, PickleProblem> {
        let (module, name) = if opcode == b'c' {
            (self.line()?, self.line()?)
        } else {
            let (name, module) = (self.pop()?, self.pop()?);
            match (self.get(module), self.get(name)) {
                (Object::Text(module), Object::Text(name)) => (*module, *name),
                _ => return Err(damaged("names something without a name")),
            }
        };
        let known = [ORDERED_DICT, ENCODE].contains(&(module, name));
        if known || (self.allowed)(module, name) {
            return Ok(Object::Global { module, name });
        }
        let full: String = format!("{module}.{name}")
            .escape_debug()
            .take(200)
            .collect();
        Err(PickleProblem::ForbiddenGlobal(full))
    }

    /// What calling a name gives.
    fn call(&self, callee: Id, arguments: Id) -> Result<Object<'a>, PickleProblem> {
        let &Object::Global { module, name } = self.get(callee) else {
            return Err(damaged("calls what is no name"));
        };
        let Object::Tuple(given) = self.get(arguments) else {
            return Err(damaged("calls without arguments"));
        };
        let refused = || damaged("calls a name with arguments that it does not take");
        if (module, name) == ORDERED_DICT {
            return match given.as_slice() {
                [] => Ok(Object::Dict(Vec::new())),
                &[pairs] => Ok(Object::Dict(self.pairs(pairs)?)),
                _ => Err(refused()),
            };
        }
        if (module, name) == ENCODE {
            let latin1 = |text: &str| -> Option<Vec<u8>> {
                text.chars()
                    .map(|c| u8::try_from(u32::from(c)).ok())
                    .collect()
            };
            let bytes = match given.as_slice() {
                &[text, encoding] => match (self.get(text), self.get(encoding)) {
                    (Object::Text(text), Object::Text("latin1" | "latin-1")) => latin1(text),
                    _ => None,
                },
                _ => None,
            };
            return Ok(bytes.map_or(Object::Opaque, |bytes| Object::Bytes(bytes.into())));
        }
        Ok(Object::Call {
            callee,
            arguments,
            state: None,
        })
    }

    /// The entries of a dictionary that was pickled as a list of pairs.
    fn pairs(&self, id: Id) -> Result<Vec<(Id, Id)>, PickleProblem> {
        let (Object::List(pairs) | Object::Tuple(pairs)) = self.get(id) else {
            return Err(damaged("makes a dictionary of no pairs"));
        };
        pairs
            .iter()
            .map(|&pair| match self.get(pair) {
                Object::Tuple(parts) | Object::List(parts) if parts.len() == 2 => {
                    Ok((parts[0], parts[1]))
                }
                _ => Err(damaged("makes a dictionary of no pairs")),
            })
            .collect()
    }

    // The stack.

    fn add(&mut self, object: Object<'a>) -> Result<Id, PickleProblem> {
        if self.objects.len() >= MAX_OBJECTS {
            return Err(damaged(&format!("holds more than {MAX_OBJECTS} objects")));
        }
        let id = Id(self.objects.len() as u32);
        self.objects.push(object);
        Ok(id)
    }

    fn push(&mut self, object: Object<'a>) -> Result<(), PickleProblem> {
        let id = self.add(object)?;
        self.stack.push(id);
        Ok(())
    }

    /// The height below which nothing may be taken.
    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Id, PickleProblem> {
        if self.stack.len() <= self.floor() {
            return Err(damaged("takes an object where there is none"));
        }
        self.stack
            .pop()
            .ok_or_else(|| damaged("takes an object where there is none"))
    }

    fn pop_many(&mut self, n: usize) -> Result<Vec<Id>, PickleProblem> {
        match self.stack.len().checked_sub(n) {
            Some(height) if height >= self.floor() => Ok(self.stack.split_off(height)),
            _ => Err(damaged("takes an object where there is none")),
        }
    }

    fn pop_mark(&mut self) -> Result<Vec<Id>, PickleProblem> {
        match self.marks.pop() {
            Some(height) if height <= self.stack.len() => Ok(self.stack.split_off(height)),
            _ => Err(damaged("closes a group that it did not open")),
        }
    }

    fn top(&mut self) -> Result<&mut Object<'a>, PickleProblem> {
        let floor = self.floor();
        let id = self.stack.get(floor..).and_then(|above| above.last());
        let id = *id.ok_or_else(|| damaged("fills a container where there is none"))?;
        Ok(&mut self.objects[id.0 as usize])
    }

    fn get(&self, id: Id) -> &Object<'a> {
        &self.objects[id.0 as usize]
    }

    fn append(&mut self, items: Vec<Id>) -> Result<(), PickleProblem> {
        match self.top()? {
            Object::List(list) => list.extend(items),
            _ => return Err(damaged("appends to what is no list")),
        }
        Ok(())
    }

    fn set_items(&mut self, items: &[Id]) -> Result<(), PickleProblem> {
        let (pairs, rest) = items.as_chunks::<2>();
        if !rest.is_empty() {
            return Err(damaged("sets a key without a value"));
        }
        match self.top()? {
            Object::Dict(entries) => entries.extend(pairs.iter().map(|&[key, value]| (key, value))),
            _ => return Err(damaged("sets a key of what is no dictionary")),
        }
        Ok(())
    }
}

#[cfg(test)]
#[path = "tests.rs"]
mod tests;
