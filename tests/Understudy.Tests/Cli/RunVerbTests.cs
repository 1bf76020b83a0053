using System.Text.Json;
using Understudy.Cli;

namespace Understudy.Tests.Cli;

/// <summary>The verbs on a run at toy size, as they are typed.</summary>
[Collection(LiveTensors.Name)]
public sealed class RunVerbTests : IDisposable
{
    private static readonly string[] Verbs = ["play", "stop", "buy"];
    private static readonly string[] Things = ["music", "radio", "songs", "jazz", "news", "bread", "milk", "tea"];

    private readonly TemporaryFolder folder = new();

    public RunVerbTests()
    {
        var rows = Things.SelectMany(thing => Verbs.Select(verb => $"{{\"id\":\"{verb} {thing}\",\"sentence\":\"{verb} some {thing}\",\"label\":\"{verb}\"}}"));
        File.WriteAllLines(folder["rows.jsonl"], rows);
        File.WriteAllText(folder["toy.yaml"], """
            name: toy
            data:
              columns: {text: sentence}
              train: {path: rows.jsonl}
              test: {path: rows.jsonl}
            students:
              - name: small
                architecture: {family: roberta, num_hidden_layers: 1, hidden_size: 16, num_attention_heads: 2, max_position_embeddings: 32}
                tokenizer: {vocabulary_size: 300}
                training: {epochs: 1}
            arms: [seeds_only]
            """);
    }

    public void Dispose() => folder.Dispose();

    [Fact]
    public void A_student_is_trained_measured_and_used()
    {
        var (exit, output, error) = Type("train", folder["toy.yaml"], "--output", folder["run"], "--threads", "1", "--set", "students.0.training.max_steps=2");
        Assert.Equal(0, exit);
        Assert.Contains("override students.0.training.max_steps=2\n", error, StringComparison.Ordinal);
        Assert.Contains($"override output={folder["run"]}\n", error, StringComparison.Ordinal);
        Assert.Contains("small.seeds_only.1: 2 steps in ", error, StringComparison.Ordinal);
        var lines = output.Split('\n');
        Assert.StartsWith("model  trained on  rows  accuracy  95% interval  macro-F1", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("small  seeds_only    24", lines[1], StringComparison.Ordinal);
        Assert.Equal(folder["run"], lines[2]);

        var again = Type("train", folder["toy.yaml"], "--output", folder["run"], "--threads", "1", "--set", "students.0.training.max_steps=2");
        Assert.Equal((0, output), (again.Exit, again.Output));
        Assert.Contains("small.seeds_only.1: done before, its result stands.\n", again.Error, StringComparison.Ordinal);

        var model = folder["run/models/small.seeds_only.1"];
        var evaluated = Type("evaluate", model, folder["rows.jsonl"], "--set", "columns.text=sentence");
        Assert.Equal(0, evaluated.Exit);
        Assert.Matches("^24 rows +95% interval +bootstrap\naccuracy +[0-9.]+% +[0-9.]+%-[0-9.]+% +[0-9.]+%-[0-9.]+%\nmacro-F1 +[0-9.]+% +[0-9.]+%-[0-9.]+%\nmicro-F1 ", evaluated.Output);
        Assert.Equal(10, evaluated.Output.TrimEnd().Split('\n').Length);
        var figures = JsonDocument.Parse(Type("evaluate", model, folder["rows.jsonl"], "--set", "columns.text=sentence", "--json").Output).RootElement;
        Assert.Equal((24, 3, 3), (figures.GetProperty("rows").GetInt32(), figures.GetProperty("per_label").GetArrayLength(), figures.GetProperty("confusion").GetArrayLength()));

        Assert.Equal(0, Type("train", folder["toy.yaml"], "--output", folder["second"], "--threads", "1", "--set", "students.0.training.max_steps=2", "--set", "seed=2").Exit);
        var compared = Type("compare", folder["run"], folder["second"]);
        Assert.Equal((0, ""), (compared.Exit, compared.Error));
        Assert.Contains("\nThe runs differ in their seed alone: intervals are Student's t over 2 runs, p is the paired t test against seeds_only.\n", compared.Output, StringComparison.Ordinal);
        Assert.Contains("\nsetting  A  B\nseed     1  2\n\n", compared.Output, StringComparison.Ordinal);
        var asJson = JsonDocument.Parse(Type("compare", folder["run"], folder["second"], "--json").Output).RootElement;
        Assert.Equal((2, true), (asJson.GetProperty("runs").GetArrayLength(), asJson.GetProperty("same_test_rows").GetBoolean()));

        var predicted = Type("predict", model, folder["rows.jsonl"], "--set", "columns.text=sentence", "--all");
        Assert.Equal(0, predicted.Exit);
        var answers = predicted.Output.TrimEnd().Split('\n').Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(File.ReadLines(folder["rows.jsonl"]).Select(line => JsonDocument.Parse(line).RootElement.GetProperty("id").GetString()), answers.Select(answer => answer.GetProperty("id").GetString()));
        Assert.All(answers, answer =>
        {
            var all = answer.GetProperty("probabilities").EnumerateObject().ToDictionary(pair => pair.Name, pair => pair.Value.GetDouble());
            Assert.Equal(1, all.Values.Sum(), 6);
            Assert.Equal(all.Values.Max(), answer.GetProperty("probability").GetDouble());
            Assert.Equal(answer.GetProperty("probability").GetDouble(), all[answer.GetProperty("label").GetString()!]);
        });
    }

    [Fact]
    public void What_the_run_file_lacks_is_named()
    {
        var file = folder["toy.yaml"];
        Assert.Equal((2, "", $"{file}: the run file has no section 'pretrain', so there is nothing to pre-train."), Last(Type("pretrain", file, "--output", folder["a"])));
        Assert.Equal((2, "", $"{file}: the run file has no teacher. Name a folder in 'teacher.model', or describe one in 'pretrain'."), Last(Type("annotate", file, "--output", folder["b"])));
        Assert.Equal((2, "", $"{file}: no arm uses generated rows, so the teacher does not learn to write them. Add 'generated' or 'both' to 'arms'."), Last(Type("generate", file, "--output", folder["c"])));
        File.Delete(folder["rows.jsonl"]);
        var (exit, _, error) = Type("run", file, "--output", folder["d"]);
        Assert.Equal(2, exit);
        Assert.Equal(2, error.Split('\n').Count(line => line.Contains($"there is no file or folder '{folder["rows.jsonl"]}'.", StringComparison.Ordinal)));
        Assert.False(Directory.Exists(folder["d"]));
    }

    [Theory]
    [InlineData("task.label_words.pley=x", "task.label_words.pley: label 'pley' is not in the label set [buy, play, stop]. Did you mean 'play'?")]
    [InlineData("data.columns.label=same", "All labelled rows have the label 'one'; expected at least two labels to tell apart. Check 'data.columns.label', or name the labels in 'data.labels'.")]
    public void What_only_the_run_shows_to_be_wrong_is_still_the_users_to_cure(string set, string expected)
    {
        var rows = File.ReadAllLines(folder["rows.jsonl"]);
        File.WriteAllLines(folder["rows.jsonl"], rows.Select(row => row.Replace("}", ",\"same\":\"one\"}", StringComparison.Ordinal)));
        Assert.Equal((2, "", expected), Last(Type("train", folder["toy.yaml"], "--output", folder["run"], "--threads", "1", "--set", set)));
    }

    [Fact]
    public void A_pre_training_needs_neither_data_nor_arms_and_everything_else_says_that_it_does()
    {
        File.WriteAllLines(folder["text.txt"], Understudy.Tests.Recipes.ToyText.Documents(200, 1));
        var file = folder["box.yaml"];
        File.WriteAllText(file, """
            name: box
            threads: 1
            pretrain:
              corpus: [{path: text.txt}]
              held_out: 0.1
              tokenizer: {vocabulary_size: 300}
              architecture: {family: roberta, num_hidden_layers: 1, hidden_size: 16, num_attention_heads: 2, max_position_embeddings: 32}
              training: {max_steps: 3, batch_size: 4, max_length: 32}
            """);
        var (exit, output, error) = Type("pretrain", file, "--output", folder["box"]);
        Assert.True(exit == 0, error);
        Assert.StartsWith($"{folder["box/models/pretrained"]}: ", output, StringComparison.Ordinal);
        Assert.EndsWith($"The run is finished: {folder["box/models/pretrained"]}.\n", Type("status", folder["box"]).Output, StringComparison.Ordinal);
        const string Missing = "'data' is missing: this needs labelled rows, and only 'understudy pretrain' goes without. Name them in 'data.train'.";
        foreach (var verb in new[] { "run", "train", "tune", "annotate" }) Assert.Equal((2, "", Missing), Last(Type(verb, file, "--output", folder["other"])));
        Assert.Equal((2, "", Missing), Last(Type("plan", file)));
    }

    [Fact]
    public void A_damaged_student_does_not_pass_for_one_that_predicts()
    {
        Assert.Equal(0, Type("train", folder["toy.yaml"], "--output", folder["run"], "--threads", "1").Exit);
        var model = folder["run/models/small.seeds_only.1"];
        string[] evaluate = ["evaluate", model, folder["rows.jsonl"], "--set", "columns.text=sentence"];
        Assert.StartsWith("5 rows ", Type([.. evaluate, "--set", "max_rows=5"]).Output, StringComparison.Ordinal);

        var tokenizer = File.ReadAllText(Path.Combine(model, "tokenizer.json"));
        using (var other = new TemporaryFolder())
        {
            Assert.Equal(0, Type("train", folder["toy.yaml"], "--output", other["run"], "--threads", "1", "--set", "students.0.tokenizer.vocabulary_size=320", "--set", "students.0.tokenizer.min_frequency=1").Exit);
            File.Copy(other["run/models/small.seeds_only.1/tokenizer.json"], Path.Combine(model, "tokenizer.json"), overwrite: true);
        }
        var (exit, _, line) = Last(Type(evaluate));
        Assert.Equal(2, exit);
        Assert.Matches("^The tokenizer gives row '[a-z ]+' the token 3[0-9]{2}, but the model knows 300 tokens. Does tokenizer.json belong to the model\\?$", line);

        File.WriteAllText(Path.Combine(model, "tokenizer.json"), tokenizer);
        var weights = Path.Combine(model, "model.safetensors");
        var bytes = File.ReadAllBytes(weights);
        bytes.AsSpan((int)BitConverter.ToInt64(bytes) + 8).Fill(0xFF);
        File.WriteAllBytes(weights, bytes);
        Assert.Equal((2, "", "The model's logits are not numbers (NaN or infinite). Its weights are damaged or its training diverged; take an earlier checkpoint."), Last(Type(evaluate)));
    }

    [Fact]
    public void A_device_that_is_not_there_is_the_users_to_cure()
    {
        var (exit, _, line) = Last(Type("train", folder["toy.yaml"], "--output", folder["run"], "--set", "device=cuda:99"));
        Assert.Equal(2, exit);
        Assert.StartsWith("Device 'cuda:99' was asked for, but libtorch ", line, StringComparison.Ordinal);
        Assert.EndsWith("LIBTORCH=/path/to/libtorch ./understudy ...", line, StringComparison.Ordinal);
    }

    private static (int Exit, string Output, string LastLine) Last((int Exit, string Output, string Error) run) =>
        (run.Exit, run.Output, run.Error.TrimEnd().Split('\n')[^1]);

    private static (int Exit, string Output, string Error) Type(params string[] args)
    {
        using var output = new StringWriter();
        using var error = new StringWriter();
        var threads = Torch.torch.get_num_threads();
        try
        {
            return (CommandLine.Run(args, output, error), output.ToString(), error.ToString());
        }
        finally
        {
            Torch.torch.set_num_threads(threads);
        }
    }
}
