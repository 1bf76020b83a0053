using System.Text.Json;

namespace Understudy.Parity;

/// <summary>Finds the stored references at a place and who compares them.</summary>
public static class GoldenFolder
{
    private const int MaxDepth = 6;

    // A reference file is known by what it holds, since one can be called anything.
    private static readonly (string Key, bool InList, Func<string, IEnumerable<ParityCheck>> Run)[] Files =
    [
        ("processors", true, SamplingParity.Run),
        ("warmup_steps", false, ScheduleParity.Run),
        ("greedy", true, StoredGenerationParity.RunFile),
        ("blocksize", false, Nf4Parity.Run),
    ];

    private static readonly (Func<string, bool> Recognises, Func<string, IEnumerable<ParityCheck>> Run)[] Folders =
    [
        (ModelParity.Recognises, ModelParity.Run),
        (EmbeddingParity.Recognises, EmbeddingParity.Run),
        (StoredGenerationParity.Recognises, StoredGenerationParity.Run),
        (TokenizerParity.Recognises, TokenizerParity.Run),
        (MetricParity.Recognises, MetricParity.Run),
    ];

    private static readonly string[] Parts = ["config.json", "tokenizer.json"];

    /// <summary>The references at <paramref name="path"/>, in ordinal order of their paths. Nothing is compared before a group's checks are enumerated.</summary>
    /// <param name="path">A reference folder, a single reference file, or a folder with such folders and files below it.</param>
    /// <exception cref="InvalidDataException">There is nothing at <paramref name="path"/>, or nothing that anyone here can compare.</exception>
    public static IReadOnlyList<ParityGroup> Find(string path)
    {
        if (File.Exists(path))
            return RunnerOf(path) is { } run ? [Group(path, run)] : throw Unknown(path, "It is no reference file of a known kind");
        if (!Directory.Exists(path))
            throw new InvalidDataException($"There is no file or folder '{path}' with references to compare with.");
        var groups = new List<ParityGroup>();
        Collect(path, 0, groups);
        return groups.Exists(group => group.Known) ? groups : throw Unknown(path, "No reference of a known kind lies in it or below it");
    }

    private static void Collect(string folder, int depth, List<ParityGroup> groups)
    {
        var known = Folders.Where(kind => Recognised(kind.Recognises, folder)).ToArray();
        groups.AddRange(known.Select(kind => Group(folder, kind.Run)));
        // The files of a model or tokenizer are no references.
        if (known.Length == 0 && Parts.Any(name => File.Exists(Path.Combine(folder, name))))
            groups.Add(new ParityGroup(folder, false, () => [ParityCheck.Skip("all", "no reference of a known kind lies beside the model or tokenizer")]));
        else
            CollectFiles(folder, known.Length > 0, groups);
        if (depth == MaxDepth)
            return;
        foreach (var inner in Directory.EnumerateDirectories(folder).Order(StringComparer.Ordinal))
            Collect(inner, depth + 1, groups);
    }

    private static void CollectFiles(string folder, bool known, List<ParityGroup> groups)
    {
        foreach (var file in Directory.EnumerateFiles(folder, "*.json").Order(StringComparer.Ordinal))
        {
            if (MetricParity.Recognises(file))
                continue;   // with its folder
            if (RunnerOf(file) is { } run)
                groups.Add(Group(file, run));
            else if (!known)
                groups.Add(new ParityGroup(file, false, () => [ParityCheck.Skip("file", "no check here reads such a file")]));
        }
    }

    // Some look into a file to tell; a damaged one is of no known kind.
    private static bool Recognised(Func<string, bool> recognises, string folder)
    {
        try
        {
            return recognises(folder);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static Func<string, IEnumerable<ParityCheck>>? RunnerOf(string file)
    {
        if (MetricParity.Recognises(file))
            return MetricParity.Run;
        try
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            var root = document.RootElement;
            var first = root.ValueKind switch
            {
                JsonValueKind.Array => root.EnumerateArray().FirstOrDefault(),
                JsonValueKind.Object => root.EnumerateObject().Select(property => property.Value).FirstOrDefault(),
                _ => default,
            };
            return first.ValueKind == JsonValueKind.Object
                ? Files.FirstOrDefault(kind => kind.InList == (root.ValueKind == JsonValueKind.Array) && first.TryGetProperty(kind.Key, out _)).Run
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    // A damaged reference is one failed check, not the end of all the others.
    private static ParityGroup Group(string path, Func<string, IEnumerable<ParityCheck>> run) => new(path, true, () => Guarded(path, run));

    private static IEnumerable<ParityCheck> Guarded(string path, Func<string, IEnumerable<ParityCheck>> run)
    {
        using var checks = Start(out var failure);
        while (failure is null)
        {
            ParityCheck? check = null;
            try
            {
                if (!checks!.MoveNext())
                    yield break;
                check = checks.Current;
            }
            catch (Exception e) when (IsFinding(e))
            {
                failure = Failure(e);
            }
            if (check is not null)
                yield return check;
        }
        yield return failure;

        IEnumerator<ParityCheck>? Start(out ParityCheck? failure)
        {
            failure = null;
            try
            {
                return run(path).GetEnumerator();
            }
            catch (Exception e) when (IsFinding(e))
            {
                failure = Failure(e);
                return null;
            }
        }
    }

    private static bool IsFinding(Exception e) => e is not OperationCanceledException;

    // What this library does not do, its readers say in these words; that is no difference from the reference.
    private static ParityCheck Failure(Exception e) => e is InvalidDataException && e.Message.Contains("is not supported", StringComparison.Ordinal)
        ? ParityCheck.Skip("all", e.Message)
        : new("error", ParityVerdict.Failed, double.NaN, 0, $"{e.GetType().Name}: {e.Message}");

    private static InvalidDataException Unknown(string path, string why) =>
        new($"'{path}' cannot be compared. {why}: a model folder has 'expected.json' and 'expected.safetensors', a tokenizer folder 'cases.json', further files are sampling.json, schedules.json, nf4.json, classification.json and statistics.json.");
}
