using System.Text;
using System.Text.RegularExpressions;

namespace Understudy.Tests.Runs;

/// <summary>
/// A run with every stage there is, of a few seconds, and what it left when nobody disturbed it. The tests that use it take turns:
/// all of them run in the same folder, so that paths in run.yaml and the manifest are equal, too, and do not compete with each other.
/// </summary>
[CollectionDefinition(Name)]
public sealed partial class ToyRun : ICollectionFixture<ToyRun>, IDisposable
{
    /// <summary>The collection of the tests that share it.</summary>
    public const string Name = "runs in processes of their own";

    private static readonly string[] Openings = ["", "please ", "could you ", "hey you, ", "right now "];
    private static readonly string[] Things = ["music", "the radio", "old songs", "jazz", "the news", "bread", "milk and tea", "coffee", "two games", "films", "a book", "my list"];
    private static readonly string[] Endings = ["", " for me", " before it rains again", " in the small kitchen"];

    private readonly TemporaryFolder folder = new();

    public ToyRun()
    {
        Write("train.csv", 0, 7);
        Write("validation.csv", 7, 9);
        Write("test.csv", 9, 12);
        File.WriteAllText(folder["toy.yaml"], """
            name: toy
            seed: 4
            data:
              columns: {id: id, text: text, label: label}
              train: {path: train.csv}
              validation: {path: validation.csv}
              test: {path: test.csv}
              few_shot: {per_label: 4}
              unlabelled_from_train: true
            pretrain:
              corpus: []
              unlabelled_repeats: 40
              held_out: 0.05
              tokenizer: {vocabulary_size: 300}
              architecture: {family: gpt_neox, num_hidden_layers: 1, hidden_size: 16, num_attention_heads: 2, max_position_embeddings: 64, dropout: 0.1}
              training: {max_steps: 40, batch_size: 4, max_length: 32, learning_rate: 1.0e-2, save_every: 3, log_every: 1, keep_best: false}
            teacher:
              tune: {epochs: 4, batch_size: 4, learning_rate: 5.0e-3, eval_every: 2, save_every: 3, log_every: 1}
            generate: {per_label: 4, max_attempts: 3, samples_per_prompt: 2, sampling: {max_new_tokens: 16}}
            students:
              - name: first
                architecture: {family: roberta, num_hidden_layers: 1, hidden_size: 16, num_attention_heads: 2, max_position_embeddings: 64}
                tokenizer: {vocabulary_size: 300}
                training: {max_steps: 12, batch_size: 4, learning_rate: 1.0e-3, eval_every: 4, save_every: 3, log_every: 1}
              - name: second
                architecture: {family: roberta, num_hidden_layers: 1, hidden_size: 8, num_attention_heads: 1, max_position_embeddings: 64}
                tokenizer: {vocabulary_size: 310, lowercase: true}
                training: {max_steps: 10, batch_size: 6, learning_rate: 2.0e-3, save_every: 4, log_every: 1, keep_best: false}
            """);
        var (exit, output, error) = Go();
        if (exit != 0)
            throw new InvalidOperationException($"The undisturbed run ended with {exit}: {error}");
        Table = output;
        Undisturbed = FinalFiles(Run);
        Ticks = TicksOf(Run);
        Directory.Move(Run, Whole);
    }

    /// <summary>The run folder that all tests use.</summary>
    public string Run => folder["run"];

    /// <summary>What the undisturbed run left, moved out of the way.</summary>
    public string Whole => folder["whole"];

    /// <summary>What the undisturbed run printed.</summary>
    public string Table { get; }

    /// <summary>The files of the undisturbed run: see <see cref="FinalFiles"/>.</summary>
    public SortedDictionary<string, string> Undisturbed { get; }

    /// <summary>How far <see cref="TicksOf"/> counts in an undisturbed run.</summary>
    public int Ticks { get; }

    /// <summary>Empties the run folder and starts the run.</summary>
    internal RunProcess Start()
    {
        if (Directory.Exists(Run))
            Directory.Delete(Run, recursive: true);
        return Continue();
    }

    /// <summary>Starts the run where it stands.</summary>
    internal RunProcess Continue(params IReadOnlyList<string> behind) =>
        RunProcess.StartBehind(behind, folder.FullName, "run", "toy.yaml", "--output", "run", "--threads", "1");

    /// <summary>Starts the run where it stands, and waits for its end.</summary>
    public (int Exit, string Output, string Error) Go(params IReadOnlyList<string> behind)
    {
        using var process = Continue(behind);
        return process.Wait();
    }

    /// <summary>Puts a copy of what the undisturbed run left into the run folder.</summary>
    public void CopyWhole()
    {
        if (Directory.Exists(Run))
            Directory.Delete(Run, recursive: true);
        foreach (var file in Directory.EnumerateFiles(Whole, "*", SearchOption.AllDirectories))
        {
            var copy = Path.Combine(Run, Path.GetRelativePath(Whole, file));
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(file, copy);
        }
    }

    /// <summary>
    /// Every file of a run folder with its bytes, one character each. Left out is who holds the folder (<c>.lock</c>,
    /// <c>.lock.holder.json</c>). What is measured with a clock stands as 0: the <c>seconds</c> and <c>data_wait</c> of trainings in their
    /// markers, in <c>result.json</c> and in <c>report.html</c>, and <c>tokens_per_second</c> and <c>data_wait</c> in <c>metrics.jsonl</c>.
    /// </summary>
    public static SortedDictionary<string, string> FinalFiles(string run) => new(
        Directory.EnumerateFiles(run, "*", SearchOption.AllDirectories)
            .Select(file => (Path: file, Name: Path.GetRelativePath(run, file)))
            .Where(file => file.Name is not (".lock" or ".lock.holder.json"))
            .ToDictionary(file => file.Name, file => Timeless(file.Name, Encoding.Latin1.GetString(File.ReadAllBytes(file.Path)))),
        StringComparer.Ordinal);

    /// <summary>Fails with the names of the files that are not as in the undisturbed run.</summary>
    /// <param name="run">The run folder.</param>
    /// <param name="figuresInOrder">Whether the lines of <c>metrics.jsonl</c> must stand in the same order; those of a stage done again stand last.</param>
    public void AssertAsUndisturbed(string run, bool figuresInOrder = true)
    {
        var files = FinalFiles(run);
        Assert.Equal(Undisturbed.Keys, files.Keys);
        Assert.Equal([], files.Where(file => Content(file.Key, file.Value) != Content(file.Key, Undisturbed[file.Key])).Select(file => file.Key));

        string Content(string name, string text) => figuresInOrder || name != "metrics.jsonl" ? text : string.Join('\n', text.Split('\n').Order(StringComparer.Ordinal));
    }

    /// <summary>How far a run is, in lines of logs and journals and in files: a clock that goes with the work and not with the time.</summary>
    public static int TicksOf(string run)
    {
        var ticks = 0;
        foreach (var file in FilesOf(run))
        {
            ticks++;
            if (file.EndsWith(".jsonl", StringComparison.Ordinal) && Bytes(file) is { } bytes)
                ticks += bytes.AsSpan().Count((byte)'\n');
        }

        return ticks;
    }

    /// <summary>The stage that was begun and is not finished.</summary>
    public static string UnfinishedStage(string run) => FilesOf(run)
        .Where(file => Path.GetFileName(file) == "stage.json" && Bytes(file) is { } bytes && !Encoding.UTF8.GetString(bytes).Contains("\"finished\": true", StringComparison.Ordinal))
        .Select(file => Path.GetFileName(Path.GetDirectoryName(file)!))
        .FirstOrDefault("between two stages");

    public void Dispose() => folder.Dispose();

    // The program removes and replaces files while they are looked at.
    private static string[] FilesOf(string run)
    {
        try
        {
            return Directory.Exists(run) ? Directory.GetFiles(run, "*", SearchOption.AllDirectories) : [];
        }
        catch (DirectoryNotFoundException)
        {
            return [];
        }
    }

    private static byte[]? Bytes(string file)
    {
        try
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            var bytes = new byte[stream.Length];
            return bytes[..stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false)];
        }
        catch (FileNotFoundException)
        {
            return null;
        }
    }

    private static string Timeless(string name, string content) => name switch
    {
        "metrics.jsonl" => Rate().Replace(content, "$1:0"),
        "report.html" => SpeedChart().Replace(TimedCell().Replace(Waited().Replace(Duration().Replace(content, "$1 0;"), "waited"), "$1"), ""),
        "result.json" => Seconds().Replace(content, "$1: 0"),
        _ when Path.GetFileName(name) == "stage.json" => Seconds().Replace(content, "$1: 0"),
        _ => content,
    };

    private void Write(string name, int first, int end)
    {
        string[] verbs = ["play", "stop", "buy"];
        var rows = verbs.SelectMany((verb, v) => Things[first..end].Select((thing, t) =>
            $"{verb}-{first + t},\"{Openings[(v + t + first) % Openings.Length]}{verb} {thing}{Endings[((2 * v) + t) % Endings.Length]}\",{verb}"));
        File.WriteAllLines(folder[name], ["id,text,label", .. rows]);
    }

    [GeneratedRegex("waited [^.;<]*([.][0-9]+%)?[^.;<]*")]
    private static partial Regex Waited();

    [GeneratedRegex("((?:Pre-training: [^;<]* in|Tuning: [^;<]*;)) [^;<]*;")]
    private static partial Regex Duration();

    [GeneratedRegex("(>(?:time|tokens a second|waited)</th>)\\s*<td[^>]*>.*?</td>", RegexOptions.Singleline)]
    private static partial Regex TimedCell();

    [GeneratedRegex("<strong>Speed</strong>.*?</figure>", RegexOptions.Singleline)]
    private static partial Regex SpeedChart();

    [GeneratedRegex("(\"(?:tokens_per_second|data_wait)\"):[0-9.E+-]+")]
    private static partial Regex Rate();

    [GeneratedRegex("(\"(?:seconds|data_wait)\"): [0-9.E+-]+")]
    private static partial Regex Seconds();
}
