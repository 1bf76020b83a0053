using Understudy.Models;
using Understudy.Tests.Cli;
using Understudy.Tokenization;
using Understudy.Torch;

namespace Understudy.Tests;

public sealed class ReadmeTests
{
    // What makes a run of any run file small enough for a test.
    private const string Small = " --threads 1 --set data.test.max_rows=24 --set pretrain.training.max_steps=2 --set pretrain.architecture.hidden_size=16 --set pretrain.architecture.num_hidden_layers=1"
        + " --set teacher.tune.max_steps=2 --set annotate.max_rows=8 --set generate.per_label=1 --set generate.max_attempts=1 --set generate.sampling.max_new_tokens=4"
        + " --set students.0.training.max_steps=2 --set students.0.synthetic_training.max_steps=2";

    [Fact]
    public void The_commands_work_one_after_the_other()
    {
        using var place = new TemporaryFolder();
        foreach (var shared in new[] { "samples", "configs" })
            Directory.CreateSymbolicLink(place[shared], Path.Combine(Repository.Root, shared));
        var commands = Commands();
        Assert.Equal(["./understudy demo", "./understudy test"], commands[..2]);
        // The launcher makes a verb of `demo`; the tests are running already.
        Assert.Contains("    demo)\n        shift\n        prepare\n        launch run \"$root/configs/demo.yaml\" \"$@\"\n", File.ReadAllText(Path.Combine(Repository.Root, "understudy")), StringComparison.Ordinal);
        foreach (var command in commands.Where(command => command != "./understudy test"))
        {
            var typed = command == "./understudy demo" ? "./understudy run configs/demo.yaml" : command;
            var scaled = typed.Contains("./understudy run ", StringComparison.Ordinal) ? typed + Small : typed;
            using var program = ProgramProcess.Shell(scaled.Replace("./understudy", "understudy", StringComparison.Ordinal), place.FullName);
            var (exit, output, error) = program.End();
            Assert.True(exit == 0, $"{command}\nended with {exit} and said\n{error}");
            Assert.NotEmpty(output);
        }
        Assert.True(File.Exists(place["runs/demo/result.json"]));
    }

    // Lines of the code blocks in which the program is called, without their comments.
    private static string[] Commands() =>
    [
        .. File.ReadLines(Path.Combine(Repository.Root, "README.md"))
            .Where(line => line.StartsWith("    ", StringComparison.Ordinal) && line.Contains("./understudy ", StringComparison.Ordinal))
            .Select(line => line.Split(" #")[0].Trim()),
    ];

    [Fact]
    public void The_lines_of_code_compile_and_work()
    {
        using var saved = new TemporaryFolder();
        var config = new BertConfig { ModelType = "roberta", VocabSize = 901, HiddenSize = 8, NumHiddenLayers = 1, NumAttentionHeads = 2, IntermediateSize = 16, MaxPositionEmbeddings = 34, PadTokenId = 1, Labels = ["alarm", "music"] };
        using (var model = AutoModel.NewSequenceClassifier(config, seed: 1))
            PretrainedFolder.Save(model, saved.FullName);
        File.Copy("Fixtures/tokenizers/roberta-style/tokenizer.json", saved["tokenizer.json"]);

        var folder = saved.FullName;
        #region README
        var tokenizer = Tokenizer.FromFolder(folder);
        using var student = AutoModel.LoadSequenceClassifier(folder);
        using var scope = torch.NewDisposeScope();
        using var inference = torch.no_grad();

        long[] ids = [.. tokenizer.Encode("wake me up at nine").Ids];
        var logits = student.Forward(torch.tensor(ids, 1, ids.Length));   // [1, labels]
        var probabilities = logits.softmax(-1).ToArray<float>();
        var best = student.Labels[probabilities.IndexOf(probabilities.Max())];
        #endregion

        Assert.Equal(1f, probabilities.Sum(), 1e-5f);
        Assert.Contains(best, student.Labels);
    }

    [Fact]
    public void The_README_shows_those_lines()
    {
        var test = File.ReadAllText(Path.Combine(Repository.Root, "tests/Understudy.Tests/ReadmeTests.cs"));
        var lines = test.Split("#region README\n")[1].Split("        #endregion")[0].Replace("\n        ", "\n", StringComparison.Ordinal).Trim();
        Assert.Contains(lines, File.ReadAllText(Path.Combine(Repository.Root, "README.md")), StringComparison.Ordinal);
    }
}
