using System.Text.Json;
using Understudy.Models;
using Understudy.Recipes;
using Understudy.Runs;
using Understudy.Tokenization;
using Understudy.Torch;
using Understudy.Training;

namespace Understudy.Tests.Recipes;

/// <summary>A pre-training of each family, from text to a folder, and on from there.</summary>
[Collection(LiveTensors.Name)]
public sealed class PretrainTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    public PretrainTests() => File.WriteAllLines(folder["corpus.txt"], ToyText.Documents(500, 1).Distinct());

    public static TheoryData<ArchitectureFamily, bool> Interruptions() => new()
    {
        { ArchitectureFamily.GptNeox, true }, { ArchitectureFamily.GptNeox, false }, { ArchitectureFamily.Roberta, true }, { ArchitectureFamily.Bart, false },
    };

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData(ArchitectureFamily.GptNeox)]
    [InlineData(ArchitectureFamily.Roberta)]
    [InlineData(ArchitectureFamily.Bart)]
    public void A_model_learns_more_than_how_frequent_words_are_and_goes_on_learning(ArchitectureFamily family)
    {
        var options = Options(family);
        var (target, _, result) = Run(options, "run");
        Assert.True(result.HeldOutLoss < 0.85 * Unigram(target), $"{result.HeldOutLoss} nats, and {Unigram(target)} by how frequent tokens are");
        Assert.Equal((60, 0L), (result.Steps, result.LeftOut));
        var tokenizer = Tokenizer.FromFolder(target);
        using (IPretrainedModel model = family switch
        {
            ArchitectureFamily.GptNeox => AutoModel.LoadCausalLanguageModel(target),
            ArchitectureFamily.Roberta => AutoModel.LoadMaskedLanguageModel(target),
            _ => AutoModel.LoadSequenceToSequenceModel(target),
        })
        {
            Assert.Equal(result.Parameters, model.Parameters.Sum(parameter => parameter.Value.numel()));
            Assert.Equal(64, model.MaxLength);
        }

        var first = tokenizer.Encode("The cat").Tokens[0];
        Assert.Equal(family == ArchitectureFamily.GptNeox ? "The" : "<s>", first);

        // What the options say of a new model has no part: not its positions, not its tokenizer.
        var onwards = options with
        {
            Model = target, Architecture = options.Architecture with { MaxPositionEmbeddings = 16, HiddenSize = 8, Family = ArchitectureFamily.Bert }, Tokenizer = new() { VocabularySize = 300 },
            Training = options.Training with { MaxSteps = 10, MaxLength = 1000, LearningRate = 1e-3 },
        };
        var notes = new Notes();
        var (further, print, better) = Run(onwards, "further", notes);
        Assert.InRange(better.HeldOutLoss, 0, result.HeldOutLoss + 0.05);
        Assert.Equal(File.ReadAllText(Path.Combine(target, "tokenizer.json")), File.ReadAllText(Path.Combine(further, "tokenizer.json")));
        Assert.Equal(Config(target), Config(further));
        Assert.Contains("'pretrain.training.max_length' is 1,000, and the model takes 64 tokens, so rows have 64.", notes.Told);

        // The same folder is the same work; another content is not.
        Assert.Equal(print.ToString(), Run(onwards, "further").Print.ToString());
        File.AppendAllText(Path.Combine(target, "config.json"), "\n");
        Assert.NotEqual(print.ToString(), Run(onwards, "further").Print.ToString());

        static string Config(string folder) => File.ReadAllText(Path.Combine(folder, "config.json")).TrimEnd();
    }

    [Theory]
    [MemberData(nameof(Interruptions))]
    public void A_training_that_is_killed_and_continued_ends_as_an_undisturbed_one_to_the_last_bit(ArchitectureFamily family, bool byTheClock)
    {
        var options = Options(family) with { LengthWarmup = new LengthWarmupOptions { From = 8, Ratio = 0.7 }, Samples = new SampleOptions { Every = 4, Prompts = ["The cat", "A<mask> sees"], MaxNewTokens = 4 }, SpokenShare = 0.3 };
        var training = options.Training with { MaxSteps = 18, Optimizer = OptimizerType.Muon, Schedule = ScheduleType.WarmupStableDecay, WarmupSteps = 2, Dropout = 0.1, EvalEvery = 5 };
        // Checkpoints every few milliseconds stand before steps that no number of steps would choose.
        options = options with { Training = byTheClock ? training with { SaveEveryMinutes = 0.03 / 60 } : training with { SaveEvery = 5 } };
        var whole = Run(options, "whole");
        var kills = 0;
        (string Folder, Fingerprint Print, PretrainResult Result)? pieced = null;
        while (pieced is null)
        {
            try
            {
                pieced = Run(options, "pieced", new Killer(7 + kills));
            }
            catch (KilledException)
            {
                Assert.True(++kills < 30);
            }
        }

        Assert.True(kills >= 1);
        Assert.Equal(File.ReadAllBytes(Path.Combine(whole.Folder, "model.safetensors")), File.ReadAllBytes(Path.Combine(pieced.Value.Folder, "model.safetensors")));
        Assert.Equal(whole.Result with { Seconds = 0, DataWait = 0 }, pieced.Value.Result with { Seconds = 0, DataWait = 0 });
        Assert.Equal(Samples("whole"), Samples("pieced"));
        Assert.Equal([4, 4, 8, 8, 12, 12, 16, 16, 18, 18], Samples("pieced").Select(line => JsonDocument.Parse(line).RootElement.GetProperty("step").GetInt32()));
        Assert.Equal(Figures("whole"), Figures("pieced"));

        string[] Samples(string run) => File.ReadAllLines(folder[$"{run}/stages/pretrain/samples.jsonl"]);
        string[] Figures(string run) => [.. MetricLog.Read(folder[$"{run}/metrics.jsonl"]).Where(line => line.Figures.ContainsKey("eval_loss") || line.Figures.ContainsKey("loss"))
            .Select(line => $"{line.Step} {line.Figures.GetValueOrDefault("loss")} {line.Figures.GetValueOrDefault("eval_loss")} {line.Figures.GetValueOrDefault("tokens")}")];
    }

    [Fact]
    public void A_classifier_is_no_language_model_to_go_on_with()
    {
        using (var model = AutoModel.NewSequenceClassifier(Architectures.Classifier(Options(ArchitectureFamily.Roberta).Architecture, ToyText.TokenizerOf(ArchitectureFamily.Roberta), ["a", "b"]), 1))
            PretrainedFolder.Save(model, folder["classifier"], ToyText.TokenizerOf(ArchitectureFamily.Roberta));
        var error = Assert.Throws<InvalidDataException>(() => Run(Options(ArchitectureFamily.GptNeox) with { Model = folder["classifier"] }, "run"));
        Assert.Equal($"{folder["classifier"]}: expected a language model to go on training, found RobertaForSequenceClassification. Name a causal, masked or sequence-to-sequence model in 'pretrain.model'.", error.Message);
    }

    [Fact]
    public void Documents_that_models_are_measured_on_are_left_out_and_counted()
    {
        File.WriteAllLines(folder["test.jsonl"], [JsonSerializer.Serialize(new { text = File.ReadLines(folder["corpus.txt"]).First() })]);
        var options = Options(ArchitectureFamily.GptNeox);
        var (_, _, result) = Run(options with { Decontaminate = new() { Files = [folder["test.jsonl"]], Ngram = 30 }, Training = options.Training with { MaxSteps = 1 } }, "run");
        Assert.Equal(1, result.LeftOut);
        Assert.Single(File.ReadAllLines(folder["run/stages/pretrain/removed.jsonl"]));
    }

    private static PretrainOptions Corpus(string path) => new() { Corpus = [new CorpusOptions { Path = path }], UnlabelledPool = false, HeldOut = 0.1 };

    private PretrainOptions Options(ArchitectureFamily family) => Corpus(folder["corpus.txt"]) with
    {
        Tokenizer = new TokenizerTrainingOptions { VocabularySize = 320, SplitDigits = true },
        Architecture = new ArchitectureOptions { Family = family, NumHiddenLayers = 1, HiddenSize = 32, NumAttentionHeads = 2, MaxPositionEmbeddings = 64, Dropout = 0 },
        Training = new TrainingOptions { MaxSteps = 60, BatchSize = 8, MaxLength = 64, LearningRate = 1e-2, WarmupRatio = 0.1, KeepBest = false, LogEvery = 1 },
    };

    private (string Folder, Fingerprint Print, PretrainResult Result) Run(PretrainOptions options, string name, IRunProgress? progress = null)
    {
        using var run = RunFolder.Open(folder[name]);
        return Pretrain.Run(options, null, 3, new RunContext(run, progress ?? RunProgress.None, Device.CPU, default));
    }

    // Nats a token of text, told by how often each token occurs.
    private double Unigram(string model)
    {
        var tokenizer = Tokenizer.FromFolder(model);
        var counts = File.ReadLines(folder["corpus.txt"]).SelectMany(tokenizer.EncodePlain).CountBy(id => id).Select(pair => (double)pair.Value).ToArray();
        return -counts.Sum(count => count / counts.Sum() * Math.Log(count / counts.Sum()));
    }

    private sealed class KilledException : Exception;

    private class Notes : IRunProgress, IStageProgress
    {
        private bool training;

        public List<string> Told { get; } = [];

        public IStageProgress Start(string name, long? total, string unit)
        {
            training = name == "pretrain";
            return this;
        }

        public void Note(string text) => Told.Add(text);

        public void Advance(long count, double? loss = null, string? detail = null)
        {
            if (training && loss is not null) Stepped();
        }

        public void Finish(string summary = "")
        {
        }

        public void Dispose()
        {
        }

        protected virtual void Stepped()
        {
        }
    }

    // Ends the process, as far as the recipe can tell, between a step and what would be saved of it.
    private sealed class Killer(int steps) : Notes
    {
        private int left = steps;

        protected override void Stepped()
        {
            Thread.Sleep(10);
            if (--left == 0) throw new KilledException();
        }
    }
}
