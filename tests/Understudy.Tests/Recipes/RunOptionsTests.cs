using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Training;

namespace Understudy.Tests.Recipes;

public sealed class RunOptionsTests
{
    private const string Small = """
        name: demo
        data: {train: {path: train.jsonl}}
        teacher: {model: teacher}
        students: [{name: small, architecture: {family: roberta}}]
        """;

    private static RunOptions Parse(string text, params string[] overrides) =>
        RunFile.Parse<RunOptions>(text, "/work/a.yaml", overrides, _ => null).Options;

    [Fact]
    public void Keys_that_are_not_given_keep_the_default_of_their_section()
    {
        var options = Parse(Small, "teacher.tune.epochs=5", "pretrain.corpus=[{path: /x.txt}]", "pretrain.architecture.hidden_size=512");
        Assert.Equal(new TrainingOptions { Epochs = 5, LearningRate = 5e-4, WarmupRatio = 0.1 }, options.Teacher.Tune);
        Assert.Equal(6, options.Pretrain!.Architecture.NumHiddenLayers);
        Assert.Equal(512, options.Pretrain.Architecture.HiddenSize);
        Assert.Equal("/work/teacher", options.Teacher.Model);
        Assert.Equal("/work/train.jsonl", options.Data!.Train.Path);
    }

    [Fact]
    public void The_resolved_file_gives_equal_options()
    {
        var given = RunFile.Parse<RunOptions>(Small, "/work/a.yaml", ["students.0.training.schedule=inverse_sqrt", "pretrain.corpus=[{path: /x.txt}, {path: 'y: #.txt', repeats: 0.5}]", "generate.sampling.stop_strings=[\"\\n\", '\"${X}']"], _ => null);
        var yaml = given.ToYaml();
        var read = RunFile.Parse<RunOptions>(yaml, "/elsewhere/run.yaml", [], _ => null);
        Assert.Equal(yaml, read.ToYaml());
        Assert.Equivalent(given.Options, read.Options, strict: true);
        Assert.Equal(ScheduleType.InverseSqrt, read.Options.Students[0].Training.Schedule);
        Assert.Equal(["\n", "\"${X}"], read.Options.Generate.Sampling.StopStrings);
    }

    [Fact]
    public void An_option_that_nothing_reads_is_a_fault()
    {
        var message = Assert.Throws<RunFileException>(() => Parse(
            """
            name: demo
            data: {train: {path: train.jsonl}}
            pretrain: {corpus: [{path: a.txt}], tokenizer: {kind: word_piece}, training: {eval_every: 5, early_stopping_patience: 2}}
            teacher: {tune: {early_stopping_patience: 3}}
            students:
            - {name: a, model: m, tokenizer: {vocabulary_size: 500}}
            - {name: b, architecture: {family: bert, tie_word_embeddings: true}, synthetic_training: {eval_every: 10}}
            """)).Message;
        Assert.Equal("""
            /work/a.yaml(3,49): pretrain.tokenizer.kind: expected byte_level_bpe, since what a model writes must come back from its tokens as it was, found word_piece.
            /work/a.yaml(3,94): pretrain.training.early_stopping_patience: has no effect on pre-training. Remove it.
            /work/a.yaml(6,23): students[0].tokenizer: has no effect: a student that starts from 'model' takes the tokenizer in that folder. Remove it.
            /work/a.yaml(7,42): students[1].architecture.tie_word_embeddings: has no effect: a classifier's output layer has one row for each label. Remove it.
            /work/a.yaml(4,18): teacher.tune.early_stopping_patience: needs validation rows, found none. Name a file in 'data.validation', or hold some out with 'data.split.validation'.
            /work/a.yaml(7,91): students[1].synthetic_training.eval_every: needs validation rows, found none. Name a file in 'data.validation', or hold some out with 'data.split.validation'.
            """.ReplaceLineEndings("\n"), message);
        Assert.Equal(3, Parse(Small, "data.split.validation=0.1", "teacher.tune.early_stopping_patience=3").Teacher.Tune.EarlyStoppingPatience);
    }

    [Theory]
    [InlineData("pretrain.corpus=/x.txt", "--set pretrain.corpus=/x.txt: pretrain.corpus: expected a list, found '/x.txt'. Write [{ path: /x.txt }].")]
    [InlineData("pretrain.corpus=[/x.txt]", "--set pretrain.corpus=[/x.txt]: expected a section with keys such as 'path', 'column', 'repeats', found '/x.txt'. Write { path: /x.txt }.")]
    [InlineData("pretrain.corpus={path: /x.txt}", "--set pretrain.corpus={path: /x.txt}: pretrain.corpus: expected a list, found a section. Put it into brackets: [{ ... }].")]
    [InlineData("pretrain.corpus=[{column: text}]", "--set pretrain.corpus=[{column: text}]: missing key 'pretrain.corpus[0].path'. It has no default value; add it.")]
    [InlineData("pretrain.corpus=[{path: /x.txt, repeats: 0}]", "--set pretrain.corpus=[{path: /x.txt, repeats: 0}]: pretrain.corpus[0].repeats: expected a number above 0 and at most 100, found 0.")]
    [InlineData("data.train=/x.jsonl", "--set data.train=/x.jsonl: expected a section with keys such as 'path', 'format', 'columns', found '/x.jsonl'. Write { path: /x.jsonl }.")]
    public void A_text_file_in_another_form_is_told_the_right_one(string set, string expected) =>
        Assert.Equal(expected, Assert.Throws<RunFileException>(() => Parse(Small, set)).Message);

    [Fact]
    public void A_run_file_for_a_pre_training_alone_needs_no_data()
    {
        const string Alone = "{name: box, pretrain: {corpus: [{path: a.txt}], architecture: {family: bart}}}";
        var options = Parse(Alone);
        Assert.Null(options.Data);
        Assert.Equal(["pretrain"], RunStages.Of(options).Select(stage => stage.Name));
        Assert.Equal(RunFile.ToYaml(options), RunFile.ToYaml(Parse(RunFile.ToYaml(options))));
        const string Expected = "/work/a.yaml(1,1): data: expected the rows to learn from, found none. Name them in 'data.train'; only a run file that does nothing but 'pretrain' goes without.";
        Assert.Equal(Expected, Assert.Throws<RunFileException>(() => Parse("{name: box, teacher: {model: m}}")).Message);
        Assert.Equal(Expected, Assert.Throws<RunFileException>(() => Parse(Alone, "students=[{name: small, architecture: {family: roberta}}]")).Message);
        Assert.Equal("--set pretrain.corpus=[]: pretrain.corpus: expected at least one text file, found none, and without 'data' there is no unlabelled pool either. Add one.",
            Assert.Throws<RunFileException>(() => Parse(Alone, "pretrain.corpus=[]")).Message);
    }

    [Theory]
    [InlineData("roberta")]
    [InlineData("bart")]
    public void A_teacher_cannot_begin_as_a_model_that_writes_no_text(string family)
    {
        const string Text = "{name: demo, data: {train: {path: train.jsonl}}, pretrain: {corpus: [{path: a.txt}]}}";
        var set = $"pretrain.architecture.family={family}";
        Assert.Equal($"--set {set}: pretrain.architecture.family: expected gpt_neox, since a teacher writes its labels, and 'arms' asks for a teacher. Use gpt_neox, name another teacher in 'teacher.model', or set 'arms' to [seeds_only].",
            Assert.Throws<RunFileException>(() => Parse(Text, set)).Message);
        Assert.NotNull(Parse(Text, set, "arms=[seeds_only]"));
        Assert.NotNull(Parse(Text, set, "teacher.model=m"));
        Assert.NotNull(Parse(Text, set, "pretrain.model=m"));
    }

    [Fact]
    public void Muon_and_length_warm_up_are_refused_where_they_cannot_work()
    {
        const string Muon = "muon steps matrices between hidden layers, and with 'lora' none of them is trained. Use adam_w.";
        Assert.Equal($"--set teacher.tune.optimizer=muon: teacher.tune.optimizer: {Muon}", Assert.Throws<RunFileException>(() => Parse(Small, "teacher.tune.optimizer=muon", "teacher.lora={r: 4}")).Message);
        Assert.EndsWith($"students[0].training.optimizer: {Muon}", Assert.Throws<RunFileException>(() => Parse(Small, "students=[{name: s, model: m, lora: {r: 4}, training: {optimizer: muon}}]")).Message, StringComparison.Ordinal);
        Assert.EndsWith(": pretrain.length_warmup: needs a number of steps, and 'training.max_minutes' ends the training by the clock. Set 'training.max_steps' instead.",
            Assert.Throws<RunFileException>(() => Parse(Small, "pretrain={corpus: [{path: a}], length_warmup: {from: 16}, training: {max_minutes: 3}}")).Message, StringComparison.Ordinal);
        Assert.EndsWith(": pretrain.architecture.max_position_embeddings: expected at least 8, so that some text stands between the tokens around it, found 4.",
            Assert.Throws<RunFileException>(() => Parse(Small, "pretrain={corpus: [{path: a}], architecture: {max_position_embeddings: 4}}")).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_student_cannot_be_called_as_the_teacher_is() => Assert.EndsWith(
        ": students[0].name: is what the teacher is called in tables and comparisons. Choose another one.",
        Assert.Throws<RunFileException>(() => Parse(Small, "students.0.name=teacher")).Message, StringComparison.Ordinal);

    [Fact]
    public void Every_section_is_checked()
    {
        var message = Assert.Throws<RunFileException>(() => Parse(
            """
            name: a b
            device: gpu
            arms: [both, both]
            data: {train: {path: ''}}
            teacher: {tune: {epochs: 0}, prompt_loss_weight: 2}
            generate: {sampling: {top_p: 0}}
            students: [{name: s}, {name: s, model: a, training: {schedule: constant, warmup_ratio: 0.1}}]
            """)).Message;
        Assert.Equal("""
            /work/a.yaml(4,16): data.train.path: expected the path of a data file, found an empty string.
            /work/a.yaml(5,18): teacher.tune.epochs: expected at least 1, found 0.
            /work/a.yaml(5,30): teacher.prompt_loss_weight: expected a value from 0 to 1, found 2.
            /work/a.yaml(6,23): generate.sampling.top_p: expected a value above 0, at most 1, found 0.
            /work/a.yaml(7,12): students[0]: expected 'model' or 'architecture', found neither.
            /work/a.yaml(7,54): students[1].training.schedule: 'constant' has no warm-up, but one is asked for. Use 'constant_with_warmup', or leave out 'warmup_steps' and 'warmup_ratio'.
            /work/a.yaml(1,1): name: expected at most 100 letters, digits, '.', '_' and '-' that do not begin with '.', since a folder is named after it, found 'a b'.
            /work/a.yaml(2,1): device: expected cpu, cuda or cuda:N, found 'gpu'.
            /work/a.yaml(3,1): arms: an arm occurs twice. Remove one.
            /work/a.yaml(5,1): teacher: expected a teacher for the arms that use one, found none. Name a folder in 'teacher.model', describe one in 'pretrain', or set 'arms' to [seeds_only].
            /work/a.yaml(7,1): students: 2 students are called 's'. Give each its own 'name'.
            """.ReplaceLineEndings("\n"), message);
    }

    [Fact]
    public void A_secret_cannot_be_part_of_a_prompt()
    {
        var fault = Assert.Throws<RunFileException>(() => RunFile.Parse<RunOptions>(
            "name: a\ndata: { train: { path: a.csv } }\ntask:\n  description: ${API_KEY}\narms: [seeds_only]", "a.yaml", environment: _ => "sk-123"));
        Assert.StartsWith("a.yaml(4,3): task.description: expected a text that may be written into the run folder, found the secret ${API_KEY}.", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("sk-123", fault.Message, StringComparison.Ordinal);
    }
}
