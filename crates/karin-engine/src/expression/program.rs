//! Expressions compiled once into a flat list of steps over registers, run block by block.
//!
//! A register holds one block of `f64` (fill is NaN), small enough that a handful stay in the first cache. Every
//! step is one loop over a block with its operator known, which compilers turn into vector instructions.

use std::ops::Range;

use super::filtered::{Expander, Filtered};
use super::functions::Function;
use super::tree::{Binary, Node, Unary};
use super::{Expression, ExpressionError, Let};

/// Elements of one block.
pub const BLOCK: usize = 1024;

/// One operation on whole blocks; numbers are registers. `out` is never one of the operands.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Unary {
        unary: Unary,
        out: usize,
        a: usize,
    },
    Binary {
        binary: Binary,
        out: usize,
        a: usize,
        b: usize,
    },
    One {
        function: Function,
        out: usize,
        a: usize,
    },
    Two {
        function: Function,
        out: usize,
        a: usize,
        b: usize,
    },
    Three {
        function: Function,
        out: usize,
        a: usize,
        b: usize,
        c: usize,
    },
}

/// Compiled expressions: reads named inputs, gives one block per output.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    inputs: Vec<String>,
    filters: Vec<Filtered>,
    input_registers: Vec<usize>,
    constants: Vec<(usize, f64)>,
    steps: Vec<Step>,
    registers: usize,
    outputs: Vec<usize>,
}

/// Registers of one thread, to be used again from block to block.
#[derive(Debug)]
pub struct Scratch {
    registers: Vec<Vec<f64>>,
}

impl Program {
    /// Compiles `outputs`, which may use every one of `lets`; a let may use those before it.
    ///
    /// # Errors
    /// If a let is used before it is defined, or two have one name.
    pub fn compile(lets: &[Let], outputs: &[&Expression]) -> Result<Self, ExpressionError> {
        for (index, definition) in lets.iter().enumerate() {
            if lets
                .iter()
                .take(index)
                .any(|earlier| earlier.name == definition.name)
            {
                let message = format!("`{}` is defined twice", definition.name);
                return Err(ExpressionError::new(&definition.expression.text, 0, message));
            }
        }
        let mut compiler = Compiler::new(lets);
        let mut registers = Vec::with_capacity(outputs.len());
        for output in outputs {
            let operand = compiler.compile(&output.node, lets.len(), &output.text)?;
            compiler.keep(operand);
            registers.push(operand);
        }
        let (inputs, input_registers) = compiler.inputs.into_iter().unzip();
        Ok(Self {
            inputs,
            filters: compiler.filters,
            input_registers,
            constants: compiler.constants,
            steps: compiler.steps,
            registers: compiler.registers,
            outputs: registers,
        })
    }

    /// What it reads: names of variables, and texts of filters.
    pub fn inputs(&self) -> &[String] {
        &self.inputs
    }

    /// The filter that an input is; `None` for variables.
    pub fn filter(&self, input: &str) -> Option<&Filtered> {
        self.filters.iter().find(|filter| filter.name() == input)
    }

    /// Names of the variables that it reads, also through filters; some may come twice.
    pub fn variables(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().flat_map(|input| match self.filter(input) {
            Some(filter) => filter.argument.names(),
            None => vec![input.as_str()],
        })
    }

    /// The input that its one output is, as it is; `None` if anything is computed.
    pub fn sole_input(&self) -> Option<usize> {
        match self.outputs.as_slice() {
            [output] if self.steps.is_empty() => self
                .input_registers
                .iter()
                .position(|register| register == output),
            _ => None,
        }
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.outputs.len()
    }

    /// Registers for one thread.
    pub fn scratch(&self) -> Scratch {
        let mut registers = vec![vec![0.0; BLOCK]; self.registers];
        for (register, value) in &self.constants {
            if let Some(block) = registers.get_mut(*register) {
                block.fill(*value);
            }
        }
        Scratch { registers }
    }

    /// Runs over `len` elements, block by block. `load(k, range, block)` fills the block with input `k`, fill as NaN;
    /// `store(k, range, block)` receives output `k`.
    pub fn run(
        &self,
        len: usize,
        scratch: &mut Scratch,
        mut load: impl FnMut(usize, Range<usize>, &mut [f64]),
        mut store: impl FnMut(usize, Range<usize>, &[f64]),
    ) {
        let registers = &mut scratch.registers;
        let mut start = 0;
        while start < len {
            let range = start..len.min(start + BLOCK);
            let count = range.len();
            for (input, register) in self.input_registers.iter().enumerate() {
                load(input, range.clone(), &mut registers[*register][..count]);
            }
            for step in &self.steps {
                step.run(registers, count);
            }
            for (output, register) in self.outputs.iter().enumerate() {
                store(output, range.clone(), &registers[*register][..count]);
            }
            start = range.end;
        }
    }
}

fn map_one(registers: &mut [Vec<f64>], out: usize, a: usize, count: usize, apply: impl Fn(f64) -> f64) {
    let mut block = std::mem::take(&mut registers[out]);
    for (value, &a) in block[..count].iter_mut().zip(&registers[a][..count]) {
        *value = apply(a);
    }
    registers[out] = block;
}

fn map_two(
    registers: &mut [Vec<f64>],
    [out, a, b]: [usize; 3],
    count: usize,
    apply: impl Fn(f64, f64) -> f64,
) {
    let mut block = std::mem::take(&mut registers[out]);
    for ((value, &a), &b) in block[..count]
        .iter_mut()
        .zip(&registers[a][..count])
        .zip(&registers[b][..count])
    {
        *value = apply(a, b);
    }
    registers[out] = block;
}

/// Gives every listed operator a loop of its own, so that the choice is made once per block.
macro_rules! specialise {
    ($value:expr, $type:ident { $($variant:ident),* $(,)? }, $run:expr) => {
        match $value {
            $($type::$variant => $run($type::$variant),)*
            #[allow(unreachable_patterns, reason = "the rest has no loop worth a copy of its own")]
            other => $run(other),
        }
    };
}

impl Step {
    fn run(&self, registers: &mut [Vec<f64>], count: usize) {
        match *self {
            Self::Unary { unary, out, a } => match unary {
                Unary::Negate => map_one(registers, out, a, count, |a| Unary::Negate.apply(a)),
                Unary::Not => map_one(registers, out, a, count, |a| Unary::Not.apply(a)),
            },
            Self::Binary { binary, out, a, b } => run_binary(binary, registers, [out, a, b], count),
            Self::One { function, out, a } => match function {
                Function::Abs => map_one(registers, out, a, count, |a| Function::Abs.one(a)),
                Function::Sqrt => map_one(registers, out, a, count, |a| Function::Sqrt.one(a)),
                Function::Isnan => map_one(registers, out, a, count, |a| Function::Isnan.one(a)),
                other => map_one(registers, out, a, count, |a| other.one(a)),
            },
            Self::Two { function, out, a, b } => match function {
                Function::Min => map_two(registers, [out, a, b], count, |a, b| Function::Min.two(a, b)),
                Function::Max => map_two(registers, [out, a, b], count, |a, b| Function::Max.two(a, b)),
                other => map_two(registers, [out, a, b], count, |a, b| other.two(a, b)),
            },
            Self::Three {
                function,
                out,
                a,
                b,
                c,
            } => {
                let mut block = std::mem::take(&mut registers[out]);
                for (index, value) in block[..count].iter_mut().enumerate() {
                    *value = function.three(registers[a][index], registers[b][index], registers[c][index]);
                }
                registers[out] = block;
            }
        }
    }
}

fn run_binary(binary: Binary, registers: &mut [Vec<f64>], [out, a, b]: [usize; 3], count: usize) {
    macro_rules! run {
        ($binary:expr) => {
            map_two(registers, [out, a, b], count, |a, b| $binary.apply(a, b))
        };
    }
    specialise!(
        binary,
        Binary {
            Add,
            Subtract,
            Multiply,
            Divide,
            FloorDivide,
            Less,
            LessEqual,
            Greater,
            GreaterEqual,
            Equal,
            NotEqual,
            And,
            Or,
            BitAnd,
            BitOr
        },
        |binary: Binary| run!(binary)
    );
}

/// Where the value of a compiled node lies.
struct Compiler<'a> {
    lets: &'a [Let],
    /// Register of each let that has been compiled.
    defined: Vec<Option<usize>>,
    inputs: Vec<(String, usize)>,
    filters: Vec<Filtered>,
    constants: Vec<(usize, f64)>,
    steps: Vec<Step>,
    registers: usize,
    free: Vec<usize>,
    /// Registers that are never freed: inputs, constants, lets, outputs.
    kept: Vec<bool>,
}

impl<'a> Compiler<'a> {
    fn new(lets: &'a [Let]) -> Self {
        Self {
            lets,
            defined: vec![None; lets.len()],
            inputs: Vec::new(),
            filters: Vec::new(),
            constants: Vec::new(),
            steps: Vec::new(),
            registers: 0,
            free: Vec::new(),
            kept: Vec::new(),
        }
    }

    fn fresh(&mut self) -> usize {
        self.free.pop().unwrap_or_else(|| {
            self.registers += 1;
            self.kept.push(false);
            self.registers - 1
        })
    }

    fn fresh_kept(&mut self) -> usize {
        self.registers += 1;
        self.kept.push(true);
        self.registers - 1
    }

    fn keep(&mut self, register: usize) {
        if let Some(kept) = self.kept.get_mut(register) {
            *kept = true;
        }
    }

    fn release(&mut self, register: usize) {
        if self.kept.get(register) == Some(&false) && !self.free.contains(&register) {
            self.free.push(register);
        }
    }

    fn constant(&mut self, value: f64) -> usize {
        let same = |other: f64| other.to_bits() == value.to_bits();
        if let Some((register, _)) = self.constants.iter().find(|(_, other)| same(*other)) {
            return *register;
        }
        let register = self.fresh_kept();
        self.constants.push((register, value));
        register
    }

    /// The register of a let (only the first `visible` are known) or of an input.
    fn name(
        &mut self,
        name: &str,
        visible: usize,
        text: &str,
        position: usize,
    ) -> Result<usize, ExpressionError> {
        let Some((index, definition)) = Let::find(self.lets, name, visible, text, position)? else {
            return Ok(self.input(name));
        };
        if let Some(Some(register)) = self.defined.get(index) {
            return Ok(*register);
        }
        let register = self.compile(&definition.expression.node, index, &definition.expression.text)?;
        self.keep(register);
        self.defined[index] = Some(register);
        Ok(register)
    }

    fn input(&mut self, name: &str) -> usize {
        if let Some((_, register)) = self.inputs.iter().find(|(input, _)| input == name) {
            return *register;
        }
        let register = self.fresh_kept();
        self.inputs.push((name.to_owned(), register));
        register
    }

    fn binary(&mut self, binary: Binary, a: usize, b: usize) -> usize {
        let out = self.fresh();
        self.steps.push(Step::Binary { binary, out, a, b });
        out
    }

    fn compile(&mut self, node: &Node, visible: usize, text: &str) -> Result<usize, ExpressionError> {
        match node {
            Node::Number(value) => Ok(self.constant(*value)),
            Node::Name { name, position } => self.name(name, visible, text, *position),
            Node::Unary(unary, inner) => {
                let a = self.compile(inner, visible, text)?;
                let out = self.fresh();
                self.steps.push(Step::Unary {
                    unary: *unary,
                    out,
                    a,
                });
                self.release(a);
                Ok(out)
            }
            Node::Binary(binary, left, right) => {
                let a = self.compile(left, visible, text)?;
                let b = self.compile(right, visible, text)?;
                let out = self.binary(*binary, a, b);
                self.release(a);
                self.release(b);
                Ok(out)
            }
            Node::Call(function, nodes) => self.call(*function, nodes, visible, text),
            Node::Filter(filter, inner) => {
                let mut expander = Expander {
                    lets: self.lets,
                    nodes: 0,
                };
                let filtered = Filtered::new(filter, expander.expand(inner, visible, text)?);
                let register = self.input(&filtered.name());
                if !self.filters.contains(&filtered) {
                    self.filters.push(filtered);
                }
                Ok(register)
            }
            Node::Chain(first, rest) => self.chain(first, rest, visible, text),
            Node::In(value, nodes) => self.membership(value, nodes, visible, text),
        }
    }

    fn call(
        &mut self,
        function: Function,
        nodes: &[Node],
        visible: usize,
        text: &str,
    ) -> Result<usize, ExpressionError> {
        let mut operands = Vec::with_capacity(nodes.len());
        for node in nodes {
            operands.push(self.compile(node, visible, text)?);
        }
        let out = match operands.as_slice() {
            [a] => {
                let out = self.fresh();
                self.steps.push(Step::One { function, out, a: *a });
                out
            }
            [a, b, c] if matches!(function, Function::Where | Function::Clip) => {
                let out = self.fresh();
                self.steps.push(Step::Three {
                    function,
                    out,
                    a: *a,
                    b: *b,
                    c: *c,
                });
                out
            }
            [first, rest @ ..] => {
                let mut last = *first;
                for b in rest {
                    let out = self.fresh();
                    self.steps.push(Step::Two {
                        function,
                        out,
                        a: last,
                        b: *b,
                    });
                    if last != *first {
                        self.release(last);
                    }
                    last = out;
                }
                last
            }
            [] => self.constant(f64::NAN),
        };
        operands
            .into_iter()
            .filter(|operand| *operand != out)
            .for_each(|operand| self.release(operand));
        Ok(out)
    }

    fn chain(
        &mut self,
        first: &Node,
        rest: &[(Binary, Node)],
        visible: usize,
        text: &str,
    ) -> Result<usize, ExpressionError> {
        let mut left = self.compile(first, visible, text)?;
        let mut all: Option<usize> = None;
        for (binary, node) in rest {
            let right = self.compile(node, visible, text)?;
            let step = self.binary(*binary, left, right);
            self.release(left);
            left = right;
            all = Some(match all {
                None => step,
                Some(before) => {
                    let both = self.binary(Binary::And, before, step);
                    self.release(before);
                    self.release(step);
                    both
                }
            });
        }
        self.release(left);
        Ok(all.unwrap_or_else(|| self.constant(1.0)))
    }

    fn membership(
        &mut self,
        value: &Node,
        nodes: &[Node],
        visible: usize,
        text: &str,
    ) -> Result<usize, ExpressionError> {
        let value = self.compile(value, visible, text)?;
        let mut any: Option<usize> = None;
        for node in nodes {
            let member = self.compile(node, visible, text)?;
            let equal = self.binary(Binary::Equal, value, member);
            self.release(member);
            any = Some(match any {
                None => equal,
                Some(before) => {
                    let either = self.binary(Binary::Or, before, equal);
                    self.release(before);
                    self.release(equal);
                    either
                }
            });
        }
        self.release(value);
        Ok(any.unwrap_or_else(|| self.constant(0.0)))
    }
}
