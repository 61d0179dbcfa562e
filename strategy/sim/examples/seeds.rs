//! Lives through seeds and prints what came of them: `seeds FROM COUNT [CANARY] [trace]`.

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|text| text.parse().ok());
    let (from, count): (u64, u64) = (number(0).unwrap_or(1), number(1).unwrap_or(100));
    let canary = arguments
        .get(2)
        .and_then(|name| sim::Canary::ALL.into_iter().find(|canary| canary.name() == name));
    let began = std::time::Instant::now();
    if arguments.get(3).is_some() {
        println!("{:?}", sim::trace(from, canary, |line| println!("{line}")));
        return;
    }
    let (mut steps, mut broken) = (0, 0);
    let mut tally = sim::Tally::default();
    for seed in from..from + count {
        let outcome = sim::run(seed, canary);
        steps += outcome.steps;
        tally.add(&outcome.tally);
        if let Some(violation) = outcome.violation {
            broken += 1;
            if broken < 30 {
                println!("seed {seed}: {violation}");
            }
        }
    }
    println!("{count} seeds, {broken} broken, {steps} steps, {tally:?}, {:?}", began.elapsed());
}
