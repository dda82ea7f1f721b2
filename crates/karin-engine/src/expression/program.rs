//! Expressions compiled once into a flat list of steps over registers, run block by block.
//!
//! A register holds one block of `f64` (fill is NaN), small enough that a handful stay in the first cache. Every
//! step is one loop over a block with its operator known, which compilers turn into vector instructions.

mod compile;

use std::ops::Range;

use super::filtered::Filtered;
use super::functions::Function;
use super::tree::{Binary, Unary};

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
