using Understudy.Data;

namespace Understudy.Tests.Data;

public sealed class ClassificationTaskTests
{
    private static readonly LabelSet Labels = new(["alarm_set", "alarm_query"]);
    private static readonly Example Row = new() { Id = "1", Text = "wake me up", Label = "alarm_set" };

    [Fact]
    public void The_defaults_render_a_prompt_a_completion_and_a_generation()
    {
        var task = new ClassificationTask(new TaskOptions(), Labels);
        Assert.Equal("wake me up\nLabel:", task.Prompt(Row));
        Assert.Equal(" alarm set", task.Completion("alarm_set"));
        Assert.Equal([" alarm set", " alarm query"], task.Completions);
        Assert.Equal("Label: alarm query\nText:", task.GenerationPrompt("alarm_query"));
        Assert.Equal(" wake me up", task.GenerationCompletion(Row));
        Assert.Equal("N/A\nLabel:", task.ContentFreePrompt());
        Assert.Null(task.EndMarker);
    }

    [Fact]
    public void Words_descriptions_and_the_task_are_at_hand_in_templates()
    {
        var options = new TaskOptions
        {
            Description = "Intents of an assistant.",
            Prompt = "{description} One of: {labels}.\n{text} ({hint})\nIntent:",
            GenerationPrompt = "Write about {label}: {label_description}\n",
            GenerationCompletion = "{text}\nHint: {hint}",
            LabelWords = new Dictionary<string, string> { ["alarm_set"] = "set" },
            LabelDescriptions = new Dictionary<string, string> { ["alarm_set"] = "the user wants an alarm" },
        };
        var task = new ClassificationTask(options, Labels, new ColumnMap { Fields = ["hint"] });
        var row = Row with { Fields = new Dictionary<string, string> { ["hint"] = "clock" } };
        Assert.Equal("Intents of an assistant. One of: set, alarm query.\nwake me up (clock)\nIntent:", task.Prompt(row));
        Assert.Equal("Write about set: the user wants an alarm\n", task.GenerationPrompt("alarm_set"));
        Assert.Equal("Write about alarm query: alarm query\n", task.GenerationPrompt("alarm_query"));
        Assert.Equal("wake me up\nHint: clock", task.GenerationCompletion(row));
        Assert.Equal("Intents of an assistant. One of: set, alarm query.\n- (-)\nIntent:", task.ContentFreePrompt("-"));
        Assert.Equal(
            "Row '1' has no 'hint', which the prompt names. Add 'hint' to 'data.columns.fields', or change the prompt. (Parameter 'example')",
            Assert.Throws<ArgumentException>(() => task.Prompt(Row)).Message);
    }

    [Fact]
    public void Pair_tasks_use_both_texts_under_their_own_names_or_the_standard_ones()
    {
        var columns = new ColumnMap { Text = "premise", TextPair = "hypothesis" };
        var options = new TaskOptions { Prompt = "{premise}\nQuestion: {text_pair}\nAnswer:", GenerationCompletion = " {text}\nQuestion: {hypothesis}" };
        var task = new ClassificationTask(options, new LabelSet(["yes", "no"]), columns);
        var parsed = task.ParseGenerated("no", " It rains.\nQuestion: Is it dry?", "g1", finished: true);
        var row = Assert.IsType<Example>(parsed.Example);
        Assert.Equal(("g1", "It rains.", "Is it dry?", "no"), (row.Id, row.Text, row.TextPair, row.Label));
        Assert.Equal("It rains.\nQuestion: Is it dry?\nAnswer:", task.Prompt(row));
        Assert.Equal(" It rains.\nQuestion: Is it dry?", task.GenerationCompletion(row));
    }

    [Theory]
    [InlineData(" set my alarm", true, ParseFailure.None, "")]
    [InlineData(" set my alarm", false, ParseFailure.Unfinished, "The text was cut by the token limit.")]
    [InlineData("  \n", true, ParseFailure.Empty, "The text is empty.")]
    [InlineData(" one\nLabel: alarm query", true, ParseFailure.PromptRepeated, "A line begins with the prompt's 'Label:'.")]
    [InlineData(" Text: one", true, ParseFailure.PromptRepeated, "A line begins with the prompt's 'Text:'.")]
    [InlineData(" one \uFFFD", true, ParseFailure.NotText, "Character 6 is not text.")]
    [InlineData("one\0", true, ParseFailure.NotText, "Character 4 is not text.")]
    [InlineData("a\u0004b", true, ParseFailure.NotText, "Character 2 is not text.")]
    public void A_generated_text_becomes_a_row_or_a_reason(string generated, bool finished, ParseFailure failure, string detail)
    {
        var parsed = new ClassificationTask(new TaskOptions(), Labels).ParseGenerated("alarm_set", generated, "g1", finished);
        Assert.Equal((failure, detail), (parsed.Failure, parsed.Detail));
        Assert.Equal(failure == ParseFailure.None ? "set my alarm" : null, parsed.Example?.Text);
        Assert.Equal(failure == ParseFailure.None ? "alarm_set" : null, parsed.Example?.Label);
    }

    [Fact]
    public void A_text_ends_at_the_end_marker()
    {
        var task = new ClassificationTask(new TaskOptions { EndMarker = "\n\n" }, Labels);
        Assert.Equal("one", task.ParseGenerated("alarm_set", " one\n\nLabel: two", "g1", finished: false).Example?.Text);
        Assert.Equal(ParseFailure.Unfinished, task.ParseGenerated("alarm_set", " one\n", "g1", finished: false).Failure);
        Assert.Equal("alarm_query", task.ParseLabel(" alarm query\n\nmore"));
    }

    [Fact]
    public void A_text_of_another_form_or_label_is_refused()
    {
        var options = new TaskOptions { GenerationPrompt = "About {label}:\n", GenerationCompletion = "Text: {text}\nLabel: {label}", Prompt = "{text} =>" };
        var task = new ClassificationTask(options, Labels);
        Assert.Equal("one", task.ParseGenerated("alarm_set", "Text: one\nLabel: alarm set", "g", true).Example?.Text);
        Assert.Equal(
            ParsedGeneration.Failed(ParseFailure.WrongLabel, "The text says label 'alarm query'; asked for was 'alarm set'."),
            task.ParseGenerated("alarm_set", "Text: one\nLabel: alarm query", "g", true));
        Assert.Equal(
            ParsedGeneration.Failed(ParseFailure.Format, "The text does not have the form 'Text: {text}\nLabel: {label}'."),
            task.ParseGenerated("alarm_set", "one", "g", true));
        Assert.Equal(
            ParsedGeneration.Failed(ParseFailure.Empty, "The text has nothing for {text}."),
            task.ParseGenerated("alarm_set", "Text:\nLabel: alarm set", "g", true));
    }

    [Theory]
    [InlineData(" alarm set", "alarm_set")]
    [InlineData("alarm query\n", "alarm_query")]
    [InlineData("alarm", null)]
    [InlineData("", null)]
    public void A_written_label_is_recognised_exactly(string written, string? expected) =>
        Assert.Equal(expected, new ClassificationTask(new TaskOptions(), Labels).ParseLabel(written));

    [Fact]
    public void Faults_of_the_section_alone_are_reported_with_their_keys()
    {
        var options = new TaskOptions
        {
            Prompt = "Is it {label}?",
            Completion = "{text}",
            GenerationPrompt = "Write:",
            GenerationCompletion = "{text}{text_pair}\n{text} {id}",
            EndMarker = "",
            LabelWords = new Dictionary<string, string> { ["a"] = " " },
        };
        Assert.Equal(
            [
                "prompt: the prompt uses {label}, which is what the model is asked for. Move it to 'completion'.",
                "completion: expected a template with {label} and no other field, found '{text}'.",
                "generation_prompt: neither this template nor generation_completion uses {label}, so a generated row would have none. Add {label} or {label_description} here to ask for a label, or {label} there to let the model choose one.",
                "generation_completion: {text} stands twice, so a generated text cannot be read back. Use it once.",
                "generation_completion: {id} is not part of a row. Move it to 'generation_prompt'.",
                "generation_completion: two placeholders touch, so a generated text cannot be read back. Put a text or a line break between them.",
                "end_marker: expected a text, found an empty one. Remove the key to use the model's end-of-text token.",
                "label_words.a: expected the words for label 'a', found none.",
            ],
            options.Validate().Select(fault => fault.ToString()));
        Assert.Equal(
            [
                "prompt: the prompt 'Label:' names no column, so every row would be labelled alike. Use {text}.",
                "completion: the closing brace at character 8 of '{label}}' was never opened. Write }} for a brace.",
                "generation_completion: expected a template with {text}, found 'x'.",
            ],
            new TaskOptions { Prompt = "Label:", Completion = "{label}}", GenerationCompletion = "x" }.Validate().Select(fault => fault.ToString()));
    }

    [Fact]
    public void Faults_against_labels_and_columns_are_reported_all_at_once()
    {
        var options = new TaskOptions
        {
            Prompt = "{txt} {passage}\nLabel:",
            LabelWords = new Dictionary<string, string> { ["alarm_set"] = "alarm", ["alarm_query"] = "alarm", ["alarmset"] = "x" },
        };
        var fault = Assert.Throws<ArgumentException>(() => new ClassificationTask(options, Labels, new ColumnMap { TextPair = "passage" }));
        Assert.Equal(
            [
                "task.prompt: the template names {txt}; expected one of [text, text_pair, passage, id, labels, description]. Did you mean 'text'? Further columns are named under 'data.columns.fields'.",
                "task.prompt: the template does not use {text}, so the model would not see it. Add it.",
                "task.generation_completion: the template does not use {txt}, so a generated row would lack it. Add it.",
                "task.generation_completion: the template does not use {passage}, so a generated row would lack it. Add it.",
                "task.label_words.alarmset: label 'alarmset' is not in the label set [alarm_set, alarm_query]. Did you mean 'alarm_set'?",
                "task.label_words: labels 'alarm_set' and 'alarm_query' have the same words 'alarm'. Give each its own.",
            ],
            fault.Message.Split(Environment.NewLine));
    }

    [Fact]
    public void A_pair_task_that_only_annotates_needs_no_generation_template()
    {
        var options = new TaskOptions { Prompt = "{text}\n{text_pair}\nLabel:" };
        var columns = new ColumnMap { TextPair = "b" };
        Assert.Equal("wake me up\nx\nLabel:", new ClassificationTask(options, Labels, columns, generates: false).Prompt(Row with { TextPair = "x" }));
        Assert.Throws<ArgumentException>(() => new ClassificationTask(options, Labels, columns));
    }
}
