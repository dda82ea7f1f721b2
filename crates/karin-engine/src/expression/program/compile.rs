//! From trees of expressions to the steps of a program.

use super::{Program, Step};
use crate::expression::filtered::{Expander, Filtered};
use crate::expression::functions::Function;
use crate::expression::tree::{Binary, Node};
use crate::expression::{Expression, ExpressionError, Let};

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
