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
        var options = Parse(Small, "teacher.tune.epochs=5", "pretrain.corpus=[/x.txt]", "pretrain.architecture.hidden_size=512");
        Assert.Equal(new TrainingOptions { Epochs = 5, LearningRate = 5e-4, WarmupRatio = 0.1 }, options.Teacher.Tune);
        Assert.Equal(6, options.Pretrain!.Architecture.NumHiddenLayers);
        Assert.Equal(512, options.Pretrain.Architecture.HiddenSize);
        Assert.Equal("/work/teacher", options.Teacher.Model);
        Assert.Equal("/work/train.jsonl", options.Data.Train.Path);
    }

    [Fact]
    public void The_resolved_file_gives_equal_options()
    {
        var given = RunFile.Parse<RunOptions>(Small, "/work/a.yaml", ["students.0.training.schedule=inverse_sqrt", "pretrain.corpus=[/x.txt, 'y: #.txt']", "generate.sampling.stop_strings=[\"\\n\", '\"${X}']"], _ => null);
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
            pretrain: {corpus: [a.txt], tokenizer: {kind: word_piece}, training: {eval_every: 5, early_stopping_patience: 2}}
            teacher: {tune: {early_stopping_patience: 3}}
            students:
            - {name: a, model: m, tokenizer: {vocabulary_size: 500}}
            - {name: b, architecture: {family: bert, tie_word_embeddings: true}, synthetic_training: {eval_every: 10}}
            """)).Message;
        Assert.Equal("""
            /work/a.yaml(3,41): pretrain.tokenizer.kind: expected byte_level_bpe, since what a teacher writes must come back from its tokens as it was, found word_piece.
            /work/a.yaml(3,71): pretrain.training.eval_every: has no effect: pre-training is measured once, at its end. Remove it.
            /work/a.yaml(3,86): pretrain.training.early_stopping_patience: has no effect: pre-training is measured once, at its end. Remove it.
            /work/a.yaml(6,23): students[0].tokenizer: has no effect: a student that starts from 'model' takes the tokenizer in that folder. Remove it.
            /work/a.yaml(7,42): students[1].architecture.tie_word_embeddings: has no effect: a classifier's output layer has one row for each label. Remove it.
            /work/a.yaml(4,18): teacher.tune.early_stopping_patience: needs validation rows, found none. Name a file in 'data.validation', or hold some out with 'data.split.validation'.
            /work/a.yaml(7,91): students[1].synthetic_training.eval_every: needs validation rows, found none. Name a file in 'data.validation', or hold some out with 'data.split.validation'.
            """.ReplaceLineEndings("\n"), message);
        Assert.Equal(3, Parse(Small, "data.split.validation=0.1", "teacher.tune.early_stopping_patience=3").Teacher.Tune.EarlyStoppingPatience);
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
