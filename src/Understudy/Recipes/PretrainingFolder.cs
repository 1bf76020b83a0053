using System.Text.Json;
using Understudy.Models;
using Understudy.Runs;

namespace Understudy.Recipes;

/// <summary>What a pre-training was asked, as its run folder tells.</summary>
/// <param name="Folder">The run folder.</param>
/// <param name="Options">The run file's section; null where there is none to read.</param>
/// <param name="Fingerprint">What the stage was begun with.</param>
/// <param name="Result">What it came to; null while it is under way.</param>
internal sealed record PretrainingFolder(string Folder, PretrainOptions? Options, string Fingerprint, PretrainResult? Result)
{
    /// <summary>The stage's folder.</summary>
    public string Stage => StageOf(Folder);

    /// <summary>The model's folder.</summary>
    public string Model => ModelOf(Folder);

    /// <summary>What its loss is of; null where nobody can tell.</summary>
    public ArchitectureFamily? Family => Options switch
    {
        { Model: null } own => own.Architecture.Family,
        not null => FamilyOf(Path.Combine(Model, "config.json")),
        null => null,
    };

    /// <summary>Whether its bits per byte are those of a text as it stands: they can be compared with compressors and with models of bytes.</summary>
    public bool IsCausal => Family == ArchitectureFamily.GptNeox;

    /// <summary>Tokens of a row, of a run whose family is known.</summary>
    public int RowLength => Math.Min(Options!.Training.MaxLength ?? int.MaxValue, Options.Model is null ? Options.Architecture.MaxPositionEmbeddings : MaxLengthOf(Model));

    /// <summary>Reads a run folder.</summary>
    /// <param name="folder">A run folder.</param>
    /// <returns>Null when it has no pre-training.</returns>
    public static PretrainingFolder? Read(string folder)
    {
        var marker = Path.Combine(StageOf(folder), "stage.json");
        if (!File.Exists(marker)) return null;
        var (fingerprint, result) = ("", (PretrainResult?)null);
        try
        {
            var stage = RunJson.Read<StageMarker<PretrainResult>>(marker);
            (fingerprint, result) = (stage.Fingerprint, stage.Finished ? stage.Result : null);
        }
        catch (InvalidDataException)
        {
            // A damaged marker is what the records of the run complain of.
        }

        return new PretrainingFolder(Path.GetFullPath(folder), OptionsOf(folder), fingerprint, result);
    }

    /// <summary>A file of the stage, as far as it can be read and belongs to this fingerprint.</summary>
    public TFigures? Cached<TFigures>(string name, Func<TFigures, string> fingerprint)
        where TFigures : class
    {
        var path = Path.Combine(Stage, name);
        try
        {
            return File.Exists(path) && RunJson.Read<TFigures>(path) is { } figures && fingerprint(figures) == Fingerprint ? figures : null;
        }
        catch (InvalidDataException)
        {
            // It is measured again.
            return null;
        }
    }

    private static string StageOf(string folder) => Path.Combine(folder, "stages", Pretrain.StageName);

    private static string ModelOf(string folder) => Path.Combine(folder, "models", "pretrained");

    private static int MaxLengthOf(string model)
    {
        using var outline = AutoModel.Outline(model);
        return outline.MaxLength;
    }

    private static PretrainOptions? OptionsOf(string folder)
    {
        try
        {
            return RunFile.Load<RunOptions>(Path.Combine(folder, "run.yaml")).Options.Pretrain;
        }
        catch (RunFileException)
        {
            // Written by a library's user, or by another version.
            return null;
        }
    }

    // The pre-training goes on with a model of any family; what it was saved as says what it is.
    private static ArchitectureFamily? FamilyOf(string config)
    {
        try
        {
            using var json = JsonDocument.Parse(File.ReadAllBytes(config));
            var name = json.RootElement.GetProperty("architectures")[0].GetString() ?? "";
            return name.EndsWith("ForMaskedLM", StringComparison.Ordinal) ? ArchitectureFamily.Roberta
                : name.EndsWith("ForConditionalGeneration", StringComparison.Ordinal) ? ArchitectureFamily.Bart : ArchitectureFamily.GptNeox;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or JsonException or KeyNotFoundException or InvalidOperationException or IndexOutOfRangeException)
        {
            return null;
        }
    }
}
