//! The operator's line to a live trader: two rings, and one command a poll.

use super::clocks::Way;
use algos::Strategy;
use desk::{Answer, Command, Core};
use spsc::{Consumer, Producer};

/// The trader's end of the line.
#[derive(Debug)]
pub struct TraderLine {
    /// What the operator wants.
    pub commands: Consumer<Command>,
    /// What came of it; closed by [`Answer::Done`] or [`Answer::Refused`].
    pub answers: Producer<Answer>,
}

impl TraderLine {
    /// Carries out the next command, if there is one. Answers that the console does not read are
    /// lost: the trader's time is not the console's.
    pub(super) fn attend<S: Strategy>(
        &mut self,
        now_ns: u64,
        core: &mut Core<S>,
        way: &mut Way<'_, '_>,
    ) -> usize {
        let Some(command) = self.commands.pop() else { return 0 };
        let answers = &mut self.answers;
        core.command(now_ns, command, way, |answer| {
            let _ = answers.push(answer);
        });
        1
    }
}
