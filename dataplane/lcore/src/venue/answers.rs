//! What the operator hears: at once where there is no journal, else when what it came of is kept.

use spsc::{Consumer, Producer, ring};
use types::Operation;
use venue::ToOperator;

/// Answers that wait at a time; more are lost, and counted as those that no console takes.
const HELD_MAX: usize = 1 << 12;

/// Where an operator's commands come from and their answers go; the other ends are a console's.
#[derive(Debug)]
pub struct OperatorLine {
    /// Commands, one taken a poll.
    pub commands: Consumer<Operation>,
    /// What comes of them.
    pub answers: Producer<ToOperator>,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Operator {
    line: OperatorLine,
    held: Option<(Producer<ToOperator>, Consumer<ToOperator>)>,
    /// The input that the answers held came of.
    mark: u64,
}

impl Operator {
    pub(super) fn new(line: OperatorLine, holds: bool) -> Operator {
        Operator { line, held: holds.then(|| ring(HELD_MAX)), mark: 0 }
    }

    /// The next command, once what came of the last one is told.
    #[inline]
    pub(super) fn next(&mut self, released: u64) -> Option<Operation> {
        if self.mark > 0 {
            self.tell(released);
        }
        if self.mark == 0 { self.line.commands.pop() } else { None }
    }

    /// Where what comes of the command goes that is input `mark`.
    pub(super) fn answers(&mut self, mark: u64) -> &mut Producer<ToOperator> {
        match &mut self.held {
            Some((held, _)) => {
                self.mark = mark;
                held
            }
            None => &mut self.line.answers,
        }
    }

    #[cold]
    fn tell(&mut self, released: u64) {
        let Some((_, held)) = self.held.as_mut().filter(|_| released >= self.mark) else { return };
        while let Some(answer) = held.pop() {
            // A console that is gone hears nothing.
            let _ = self.line.answers.push(answer);
        }
        self.mark = 0;
    }
}
