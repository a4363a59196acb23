//! The help of every command.

pub(super) fn part() -> String {
    let mut command = rtmm_cli::command().term_width(100);
    command.build();
    let mut text = block(&mut command.clone());
    let names: Vec<String> = command.get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    for name in names.iter().filter(|name| *name != "help") {
        if let Some(verb) = command.find_subcommand_mut(name) {
            text.push_str(&format!("\n## `rtmm {name}`\n\n{}", block(verb)));
            for part in verb.get_subcommands_mut().filter(|part| part.get_name() != "help") {
                text.push_str(&format!(
                    "\n### `rtmm {name} {}`\n\n{}",
                    part.get_name().to_owned(),
                    block(part)
                ));
            }
        }
    }
    text
}

fn block(command: &mut clap::Command) -> String {
    format!("```text\n{}```\n", command.render_long_help().to_string().trim_end().to_owned() + "\n")
}
