using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Understudy.Runs;
using Understudy.Torch;

namespace Understudy.Cli;

/// <summary>Options of more than one verb.</summary>
internal static class GlobalOptions
{
    public static Option<bool> Verbose { get; } = new("--verbose")
    {
        Description = "Show where in the program an error came from.",
        Recursive = true,
    };

    public static Option<int> Threads() => Number("--threads", 0, "Processor threads for arithmetic; 0 takes one for each core.");

    /// <summary>An option with a whole number of at least <paramref name="least"/>.</summary>
    public static Option<int> Number(string name, int least, string description) => new(name)
    {
        Description = description,
        HelpName = "N",
        CustomParser = result =>
        {
            var given = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
            if (!int.TryParse(given, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) || number < least)
                result.AddError($"{name}: expected a whole number of at least {least}, found '{given}'.");
            return number;
        },
    };

    /// <summary>An option with one of the values of an enumeration, spelt as in a run file; null where it is not given.</summary>
    /// <param name="name">The option.</param>
    /// <param name="otherwise">What its absence stands for, for the description.</param>
    /// <param name="description">What it is for.</param>
    public static Option<T?> Choice<T>(string name, T otherwise, string description)
        where T : struct, Enum => new(name)
        {
            Description = $"{description} {ScalarValue.Describe(typeof(T))}; {ScalarValue.Text(otherwise)} by default.".Replace(". one of ", ". One of ", StringComparison.Ordinal),
            HelpName = name.TrimStart('-').ToUpperInvariant(),
            CustomParser = result =>
            {
                var given = result.Tokens.Count == 1 ? result.Tokens[0].Value : "";
                var (value, fault) = ScalarValue.Parse(typeof(T), given, given);
                if (fault is not null)
                    result.AddError($"{name}: {fault}");
                return value as T?;
            },
        };

    /// <summary>An option with a text that is not empty.</summary>
    public static Option<string> Text(string name, string helpName, string description)
    {
        var option = new Option<string>(name) { Description = description, HelpName = helpName };
        option.Validators.Add(result =>
        {
            if (result.Tokens is [{ Value: var given }] && string.IsNullOrWhiteSpace(given))
                result.AddError($"{name}: expected {(helpName is "FOLDER" or "FILE" ? $"a {helpName.ToLowerInvariant()}" : $"the name of a {helpName.ToLowerInvariant()}")}, found an empty text. Leave the option out for its default.");
        });
        return option;
    }

    public static Option<string> Device() => new("--device")
    {
        Description = "Where to compute: cpu, cuda or cuda:N.",
        HelpName = "DEVICE",
        DefaultValueFactory = _ => "cpu",
    };

    public static Option<string[]> Set(string description) => new("--set")
    {
        Description = description,
        HelpName = "KEY=VALUE",
        Arity = ArgumentArity.OneOrMore,
    };

    public static Option<bool> Json(string description) => new("--json") { Description = description };

    /// <summary>A mistyped option must not pass for a file's name.</summary>
    public static void RefuseOptions(ArgumentResult argument)
    {
        foreach (var token in argument.Tokens.Where(token => token.Value.StartsWith("--", StringComparison.Ordinal)))
            argument.AddError($"Unrecognized option '{token.Value}'.");
    }

    /// <summary>The device of that name.</summary>
    /// <exception cref="InvalidDataException">There is no such device here.</exception>
    public static Device DeviceOf(string name)
    {
        try
        {
            return Torch.Device.Parse(name);
        }
        catch (ArgumentException e)
        {
            // .NET adds the parameter's name, which says nothing to a user.
            throw new InvalidDataException(e.Message.Replace($" (Parameter '{e.ParamName}')", "", StringComparison.Ordinal), e);
        }
    }

    /// <summary>Gives libtorch as many threads as asked for.</summary>
    /// <param name="threads">0 takes one for each core, or as many as OMP_NUM_THREADS says where that is set.</param>
    public static void UseThreads(int threads)
    {
        if (threads > 0)
            torch.set_num_threads(threads);
        else if (string.IsNullOrEmpty(Environment.GetEnvironmentVariable("OMP_NUM_THREADS")))
            torch.set_num_threads(ProcessorCores.Count);
    }
}
